/**
 * Decodes OTLP requests for the tests' receiver with protobufjs and a schema written out from the field numbers of
 * opentelemetry-proto. On purpose it shares nothing with the product: an error in both would go unseen.
 */
import protobuf from 'protobufjs';

export type Signal = 'traces' | 'metrics' | 'logs';
export type Attributes = Record<string, unknown>;

export interface ReceivedSpan {
  name: string;
  traceId: string;
  spanId: string;
  /** '' for a root. */
  parentSpanId: string;
  kind: 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  attributes: Attributes;
  status: { code: 'unset' | 'ok' | 'error'; message: string };
  events: { name: string; timeUnixNano: bigint; attributes: Attributes }[];
  links: { traceId: string; spanId: string; attributes: Attributes }[];
  startTimeUnixNano: bigint;
  endTimeUnixNano: bigint;
  traceState: string;
  flags: number;
  droppedAttributesCount: number;
  droppedEventsCount: number;
  droppedLinksCount: number;
  /** Attributes of the resource. */
  resource: Attributes;
  scope: { name: string; version: string };
}

export interface Decoded {
  /** Spans, metrics or log records. */
  count: number;
  spans: ReceivedSpan[];
  /** ResourceSpans (…Metrics, …Logs) in the request, and scopes below them. */
  resources: number;
  scopes: number;
}

const SCHEMA = `
syntax = "proto3";
message AnyValue { oneof value { string s = 1; bool b = 2; int64 i = 3; double d = 4; ArrayValue a = 5; KeyValueList k = 6; bytes y = 7; } }
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message KeyValue { string key = 1; AnyValue value = 2; }
message Resource { repeated KeyValue attributes = 1; uint32 dropped = 2; }
message Scope { string name = 1; string version = 2; repeated KeyValue attributes = 3; uint32 dropped = 4; }
message Event { fixed64 time = 1; string name = 2; repeated KeyValue attributes = 3; uint32 dropped = 4; }
message Link { bytes traceId = 1; bytes spanId = 2; string traceState = 3; repeated KeyValue attributes = 4; uint32 dropped = 5; fixed32 flags = 6; }
message Status { string message = 2; int32 code = 3; }
message Span {
  bytes traceId = 1; bytes spanId = 2; string traceState = 3; bytes parentSpanId = 4; string name = 5; int32 kind = 6;
  fixed64 start = 7; fixed64 end = 8; repeated KeyValue attributes = 9; uint32 droppedAttributes = 10;
  repeated Event events = 11; uint32 droppedEvents = 12; repeated Link links = 13; uint32 droppedLinks = 14;
  Status status = 15; fixed32 flags = 16;
}
message ScopeSpans { Scope scope = 1; repeated Span items = 2; string schemaUrl = 3; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scopes = 2; string schemaUrl = 3; }
message Traces { repeated ResourceSpans resources = 1; }
message Item { }
message ScopeItems { Scope scope = 1; repeated Item items = 2; string schemaUrl = 3; }
message ResourceItems { Resource resource = 1; repeated ScopeItems scopes = 2; string schemaUrl = 3; }
message Other { repeated ResourceItems resources = 1; }
`;

const schema = protobuf.parse(SCHEMA).root;
const traces = schema.lookupType('Traces');
const other = schema.lookupType('Other');

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
const CODES = ['unset', 'ok', 'error'] as const;

/** Throws where `body` is not a sound request. */
export function decodeProtobuf(signal: Signal, body: Buffer): Decoded {
  const type = signal === 'traces' ? traces : other;
  const request = type.toObject(type.decode(body), { longs: String, bytes: Buffer, defaults: true, arrays: true, oneofs: true }) as Request;
  return flatten(signal, request, {
    id: (bytes) => Buffer.from(bytes as Uint8Array).toString('hex'),
    value: protobufValue,
    names: { traceId: 'traceId', start: 'start', end: 'end', time: 'time', droppedAttributes: 'droppedAttributes', droppedEvents: 'droppedEvents', droppedLinks: 'droppedLinks' },
  });
}

export function decodeJson(signal: Signal, body: Buffer): Decoded {
  const raw = JSON.parse(body.toString('utf8')) as Record<string, any>;
  const [list, scopes, items] = { traces: ['resourceSpans', 'scopeSpans', 'spans'], metrics: ['resourceMetrics', 'scopeMetrics', 'metrics'], logs: ['resourceLogs', 'scopeLogs', 'logRecords'] }[signal] as [string, string, string];
  if (!Array.isArray(raw[list])) throw new Error(`no ${list} in the JSON request`);
  const request: Request = {
    resources: raw[list].map((resource: any) => ({
      resource: resource.resource ?? {},
      scopes: (resource[scopes] ?? []).map((scope: any) => ({ scope: scope.scope ?? {}, items: scope[items] ?? [] })),
    })),
  };
  return flatten(signal, request, {
    id: (text) => {
      if (text !== undefined && text !== '' && !/^([0-9a-f]{16}|[0-9a-f]{32})$/i.test(String(text))) throw new Error(`not a hexadecimal id: ${String(text)}`);
      return String(text ?? '').toLowerCase();
    },
    value: jsonValue,
    names: { traceId: 'traceId', start: 'startTimeUnixNano', end: 'endTimeUnixNano', time: 'timeUnixNano', droppedAttributes: 'droppedAttributesCount', droppedEvents: 'droppedEventsCount', droppedLinks: 'droppedLinksCount' },
  });
}

export interface Encoder {
  encode(message: Record<string, unknown>): Buffer;
}

/** What a backend answers: ExportTraceServiceResponse, google.rpc.Status, google.rpc.RetryInfo. */
export const answers: Record<'response' | 'status' | 'retryInfo', Encoder> = encoders();

function encoders(): Record<'response' | 'status' | 'retryInfo', Encoder> {
  const { root } = protobuf.parse(`
    syntax = "proto3";
    message Response { Partial partial = 1; }
    message Partial { int64 rejected = 1; string message = 2; }
    message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
    message Any { string typeUrl = 1; bytes value = 2; }
    message RetryInfo { Duration delay = 1; }
    message Duration { int64 seconds = 1; int32 nanos = 2; }
  `);
  const encoder = (name: string): Encoder => {
    const type = root.lookupType(name);
    return { encode: (message) => Buffer.from(type.encode(type.fromObject(message)).finish()) };
  };
  return { response: encoder('Response'), status: encoder('Status'), retryInfo: encoder('RetryInfo') };
}

interface Request {
  resources: { resource: any; scopes: { scope: any; items: any[] }[] }[];
}

interface Dialect {
  id(raw: unknown): string;
  value(raw: any): unknown;
  names: Record<'traceId' | 'start' | 'end' | 'time' | 'droppedAttributes' | 'droppedEvents' | 'droppedLinks', string>;
}

function flatten(signal: Signal, request: Request, dialect: Dialect): Decoded {
  const { names } = dialect;
  const attributes = (list: any[] | undefined): Attributes => Object.fromEntries((list ?? []).map(({ key, value }) => [key, dialect.value(value ?? {})]));
  const found: Decoded = { count: 0, spans: [], resources: request.resources.length, scopes: 0 };
  for (const { resource, scopes } of request.resources) {
    found.scopes += scopes.length;
    for (const { scope, items } of scopes) {
      found.count += items.length;
      if (signal !== 'traces') continue;
      for (const span of items) {
        found.spans.push({
          name: span.name ?? '',
          traceId: dialect.id(span.traceId),
          spanId: dialect.id(span.spanId),
          parentSpanId: dialect.id(span.parentSpanId ?? ''),
          kind: KINDS[Number(span.kind ?? 0)] ?? 'unspecified',
          attributes: attributes(span.attributes),
          status: { code: CODES[Number(span.status?.code ?? 0)] ?? 'unset', message: span.status?.message ?? '' },
          events: (span.events ?? []).map((event: any) => ({ name: event.name ?? '', timeUnixNano: BigInt(event[names.time] ?? 0), attributes: attributes(event.attributes) })),
          links: (span.links ?? []).map((link: any) => ({ traceId: dialect.id(link.traceId), spanId: dialect.id(link.spanId), attributes: attributes(link.attributes) })),
          startTimeUnixNano: BigInt(span[names.start] ?? 0),
          endTimeUnixNano: BigInt(span[names.end] ?? 0),
          traceState: span.traceState ?? '',
          flags: Number(span.flags ?? 0),
          droppedAttributesCount: Number(span[names.droppedAttributes] ?? 0),
          droppedEventsCount: Number(span[names.droppedEvents] ?? 0),
          droppedLinksCount: Number(span[names.droppedLinks] ?? 0),
          resource: attributes(resource?.attributes),
          scope: { name: scope?.name ?? '', version: scope?.version ?? '' },
        });
      }
    }
  }
  return found;
}

function protobufValue(value: any): unknown {
  switch (value.value) {
    case 's': return value.s;
    case 'b': return value.b;
    case 'i': return whole(value.i);
    case 'd': return value.d;
    case 'a': return value.a.values.map(protobufValue);
    case 'k': return Object.fromEntries(value.k.values.map((pair: any) => [pair.key, protobufValue(pair.value ?? {})]));
    case 'y': return Buffer.from(value.y);
    default: return null;
  }
}

function jsonValue(value: any): unknown {
  if ('stringValue' in value) return value.stringValue;
  if ('boolValue' in value) return value.boolValue;
  if ('intValue' in value) return whole(value.intValue);
  if ('doubleValue' in value) return Number(value.doubleValue);
  if ('arrayValue' in value) return (value.arrayValue.values ?? []).map(jsonValue);
  if ('kvlistValue' in value) return Object.fromEntries((value.kvlistValue.values ?? []).map((pair: any) => [pair.key, jsonValue(pair.value ?? {})]));
  if ('bytesValue' in value) return Buffer.from(value.bytesValue, 'base64');
  return null;
}

function whole(value: unknown): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : BigInt(String(value));
}
