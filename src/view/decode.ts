import { only, requests, span as spanTable, traceRequest, type MessageTable } from './otlp-schema.ts';
import { readMessage, type Forms, type Message, type Value } from './protobuf.ts';

export type AttributeValue = string | number | bigint | boolean | Uint8Array | readonly AttributeValue[] | Attributes | null;
/** Without a prototype: any key is just a key. */
export interface Attributes {
  readonly [key: string]: AttributeValue;
}

export interface DecodedResource {
  readonly attributes: Attributes;
  readonly schemaUrl: string;
}

export interface DecodedScope {
  readonly name: string;
  readonly version: string;
  readonly attributes: Attributes;
}

export interface DecodedEvent {
  readonly timeNano: bigint;
  readonly name: string;
  readonly attributes: Attributes;
}

export interface DecodedLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Attributes;
}

export type SpanKind = 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer';

export interface DecodedSpan {
  /** Hex. */
  readonly traceId: string;
  readonly spanId: string;
  /** Hex, or empty. */
  readonly parentSpanId: string;
  /** Whether the parent is in another process; null where the sender did not say. */
  readonly parentIsRemote: boolean | null;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startNano: bigint;
  readonly endNano: bigint;
  readonly attributes: Attributes;
  readonly status: { readonly code: 'unset' | 'ok' | 'error'; readonly message: string };
  readonly events: readonly DecodedEvent[];
  readonly links: readonly DecodedLink[];
  readonly resource: DecodedResource;
  readonly scope: DecodedScope;
  readonly droppedCounts: { readonly attributes: number; readonly events: number; readonly links: number };
}

export interface DecodedLogRecord {
  readonly timeNano: bigint;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly eventName: string;
  readonly body: AttributeValue;
  readonly attributes: Attributes;
  readonly traceId: string;
  readonly spanId: string;
  readonly resource: DecodedResource;
  readonly scope: DecodedScope;
}

/** The spans of an OTLP protobuf ExportTraceServiceRequest. @throws MalformedOtlp */
export function decodeSpans(body: Uint8Array): DecodedSpan[] {
  return readSpans(requests.traces, body);
}

/**
 * The same without attributes, events, links and scopes of the spans: what a list of traces needs, at a fraction of the cost.
 * @throws MalformedOtlp
 */
export function decodeSpanOutlines(body: Uint8Array): DecodedSpan[] {
  return readSpans(outlines, body);
}

/** The records of an OTLP protobuf ExportLogsServiceRequest. @throws MalformedOtlp */
export function decodeLogs(body: Uint8Array): DecodedLogRecord[] {
  const records: DecodedLogRecord[] = [];
  eachItem(readMessage(requests.logs, body, plainForms), ['resourceLogs', 'scopeLogs', 'logRecords'], (record, resource, scope) => {
    const time = bigintOf(record.timeUnixNano);
    records.push({
      timeNano: time === 0n ? bigintOf(record.observedTimeUnixNano) : time,
      severityNumber: numberOf(record.severityNumber),
      severityText: textOf(record.severityText),
      eventName: textOf(record.eventName),
      body: valueOf(messageOf(record.body)),
      attributes: attributesOf(record.attributes),
      traceId: textOf(record.traceId),
      spanId: textOf(record.spanId),
      resource,
      scope,
    });
  });
  return records;
}

export function serviceName({ attributes }: DecodedResource): string {
  const name = attributes['service.name'];
  return typeof name === 'string' ? name : '';
}

const outlineFields = ['traceId', 'spanId', 'parentSpanId', 'name', 'kind', 'startTimeUnixNano', 'endTimeUnixNano', 'status', 'flags'];
const outlines = traceRequest(only(spanTable, outlineFields));

const plainForms: Forms = { int64: (value) => value, bytes: (value) => value, double: (value) => value };

const kinds: readonly SpanKind[] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const statusCodes = ['unset', 'ok', 'error'] as const;
const HAS_IS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

function readSpans(table: MessageTable, body: Uint8Array): DecodedSpan[] {
  const spans: DecodedSpan[] = [];
  eachItem(readMessage(table, body, plainForms), ['resourceSpans', 'scopeSpans', 'spans'], (span, resource, scope) => {
    const flags = numberOf(span.flags);
    const status = messageOf(span.status);
    spans.push({
      traceId: textOf(span.traceId),
      spanId: textOf(span.spanId),
      parentSpanId: /[^0]/.test(textOf(span.parentSpanId)) ? textOf(span.parentSpanId) : '',
      parentIsRemote: (flags & HAS_IS_REMOTE) === 0 ? null : (flags & IS_REMOTE) !== 0,
      name: textOf(span.name),
      kind: kinds[numberOf(span.kind)] ?? 'unspecified',
      startNano: bigintOf(span.startTimeUnixNano),
      endNano: bigintOf(span.endTimeUnixNano),
      attributes: attributesOf(span.attributes),
      status: { code: statusCodes[numberOf(status?.code)] ?? 'unset', message: textOf(status?.message) },
      events: messagesOf(span.events).map((event) => ({
        timeNano: bigintOf(event.timeUnixNano),
        name: textOf(event.name),
        attributes: attributesOf(event.attributes),
      })),
      links: messagesOf(span.links).map((link) => ({
        traceId: textOf(link.traceId),
        spanId: textOf(link.spanId),
        attributes: attributesOf(link.attributes),
      })),
      resource,
      scope,
      droppedCounts: {
        attributes: numberOf(span.droppedAttributesCount),
        events: numberOf(span.droppedEventsCount),
        links: numberOf(span.droppedLinksCount),
      },
    });
  });
  return spans;
}

/** Walks request, resource and scope level, which the three signals have alike. */
function eachItem(
  request: Message,
  [resources, scopes, items]: readonly [string, string, string],
  visit: (item: Message, resource: DecodedResource, scope: DecodedScope) => void,
): void {
  for (const resourceLevel of messagesOf(request[resources])) {
    const resource = { attributes: attributesOf(messageOf(resourceLevel.resource)?.attributes), schemaUrl: textOf(resourceLevel.schemaUrl) };
    for (const scopeLevel of messagesOf(resourceLevel[scopes])) {
      const named = messageOf(scopeLevel.scope);
      const scope = { name: textOf(named?.name), version: textOf(named?.version), attributes: attributesOf(named?.attributes) };
      for (const item of messagesOf(scopeLevel[items])) visit(item, resource, scope);
    }
  }
}

function attributesOf(list: Value | undefined): Attributes {
  const attributes = Object.create(null) as Record<string, AttributeValue>;
  for (const { key, value } of messagesOf(list)) attributes[textOf(key)] = valueOf(messageOf(value));
  return attributes;
}

function valueOf(value: Message | undefined): AttributeValue {
  if (value === undefined) return null;
  if (value.stringValue !== undefined) return textOf(value.stringValue);
  if (value.boolValue !== undefined) return value.boolValue as boolean;
  if (value.intValue !== undefined) return narrow(bigintOf(value.intValue));
  if (value.doubleValue !== undefined) return numberOf(value.doubleValue);
  if (value.arrayValue !== undefined) return messagesOf(messageOf(value.arrayValue)?.values).map(valueOf);
  if (value.kvlistValue !== undefined) return attributesOf(messageOf(value.kvlistValue)?.values);
  if (value.bytesValue !== undefined) return value.bytesValue as Uint8Array;
  return null;
}

function narrow(value: bigint): number | bigint {
  const near = Number(value);
  return Number.isSafeInteger(near) ? near : value;
}

// The reader makes each field of the type that the table says, or leaves it out.
const textOf = (value: Value | undefined): string => (value as string | undefined) ?? '';
const numberOf = (value: Value | undefined): number => (value as number | undefined) ?? 0;
const bigintOf = (value: Value | undefined): bigint => (value as bigint | undefined) ?? 0n;
const messageOf = (value: Value | undefined): Message | undefined => value as Message | undefined;
const messagesOf = (value: Value | undefined): readonly Message[] => (value as Message[] | undefined) ?? [];
