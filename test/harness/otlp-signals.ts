/** Metric points and log records out of what the tests' receiver has accepted; like otlp-decode.ts it shares nothing with the product. */
import protobuf from 'protobufjs';
import type { ReceivedRequest } from './receiver.ts';

export type Attributes = Record<string, unknown>;

export interface ReceivedPoint {
  name: string;
  unit: string;
  kind: 'gauge' | 'sum' | 'histogram' | 'exponentialHistogram';
  temporality: 'none' | 'delta' | 'cumulative';
  monotonic: boolean;
  attributes: Attributes;
  start: bigint;
  time: bigint;
  /** Of a gauge or sum its value, of a histogram its sum. */
  value: number;
  count: number;
  counts: number[];
  bounds: number[];
  exemplars: { value: number; time: bigint; traceId: string; spanId: string; filtered: Attributes }[];
  resource: Attributes;
  scope: string;
}

export interface ReceivedLog {
  time: bigint;
  severity: number;
  severityText: string;
  body: unknown;
  attributes: Attributes;
  traceId: string;
  spanId: string;
  eventName: string;
  resource: Attributes;
  scope: string;
}

const { root } = protobuf.parse(`
syntax = "proto3";
message AnyValue { oneof value { string s = 1; bool b = 2; int64 i = 3; double d = 4; ArrayValue a = 5; KeyValueList k = 6; bytes y = 7; } }
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message KeyValue { string key = 1; AnyValue value = 2; }
message Resource { repeated KeyValue attributes = 1; }
message Scope { string name = 1; string version = 2; }
message Exemplar { repeated KeyValue filtered = 7; fixed64 time = 2; oneof value { double d = 3; sfixed64 i = 6; } bytes spanId = 4; bytes traceId = 5; }
message Number { repeated KeyValue attributes = 7; fixed64 start = 2; fixed64 time = 3; oneof value { double d = 4; sfixed64 i = 6; } repeated Exemplar exemplars = 5; }
message Histogram { repeated KeyValue attributes = 9; fixed64 start = 2; fixed64 time = 3; fixed64 count = 4; double sum = 5; repeated fixed64 counts = 6; repeated double bounds = 7; double min = 11; double max = 12; repeated Exemplar exemplars = 8; }
message Buckets { sint32 offset = 1; repeated uint64 counts = 2; }
message Exponential { repeated KeyValue attributes = 1; fixed64 start = 2; fixed64 time = 3; fixed64 count = 4; double sum = 5; sint32 scale = 6; fixed64 zero = 7; Buckets positive = 8; Buckets negative = 9; repeated Exemplar exemplars = 11; }
message Gauge { repeated Number points = 1; }
message Sum { repeated Number points = 1; int32 temporality = 2; bool monotonic = 3; }
message Histograms { repeated Histogram points = 1; int32 temporality = 2; }
message Exponentials { repeated Exponential points = 1; int32 temporality = 2; }
message Metric { string name = 1; string description = 2; string unit = 3; Gauge gauge = 5; Sum sum = 7; Histograms histogram = 9; Exponentials exponentialHistogram = 10; }
message ScopeMetrics { Scope scope = 1; repeated Metric items = 2; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scopes = 2; }
message Metrics { repeated ResourceMetrics resources = 1; }
message LogRecord { fixed64 time = 1; int32 severity = 2; string severityText = 3; AnyValue body = 5; repeated KeyValue attributes = 6; fixed32 flags = 8; bytes traceId = 9; bytes spanId = 10; fixed64 observed = 11; string eventName = 12; }
message ScopeLogs { Scope scope = 1; repeated LogRecord items = 2; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scopes = 2; }
message Logs { repeated ResourceLogs resources = 1; }
`);

const KINDS = ['gauge', 'sum', 'histogram', 'exponentialHistogram'] as const;
const TEMPORALITIES = ['none', 'delta', 'cumulative'] as const;

/** In the order in which they arrived. */
export function pointsOf(requests: readonly ReceivedRequest[]): ReceivedPoint[] {
  return items(requests, 'metrics', 'Metrics', (metric, resource, scope) =>
    KINDS.flatMap((kind) =>
      (metric[kind]?.points ?? []).map((point: any): ReceivedPoint => ({
        name: metric.name,
        unit: metric.unit,
        kind,
        temporality: TEMPORALITIES[metric[kind].temporality ?? 0]!,
        monotonic: metric[kind].monotonic === true,
        attributes: record(point.attributes),
        start: BigInt(point.start),
        time: BigInt(point.time),
        value: Number(kind === 'gauge' || kind === 'sum' ? (point.value === 'i' ? point.i : point.d) : point.sum),
        count: Number(point.count ?? 0),
        counts: (point.counts ?? point.positive?.counts ?? []).map(Number),
        bounds: point.bounds ?? [],
        exemplars: point.exemplars.map((exemplar: any) => ({ value: Number(exemplar.value === 'i' ? exemplar.i : exemplar.d), time: BigInt(exemplar.time), traceId: hex(exemplar.traceId), spanId: hex(exemplar.spanId), filtered: record(exemplar.filtered) })),
        resource,
        scope,
      })),
    ),
  );
}

export function logsOf(requests: readonly ReceivedRequest[]): ReceivedLog[] {
  return items(requests, 'logs', 'Logs', (log, resource, scope): ReceivedLog[] => [
    { time: BigInt(log.time), severity: log.severity, severityText: log.severityText, body: log.body === null ? null : value(log.body), attributes: record(log.attributes), traceId: hex(log.traceId), spanId: hex(log.spanId), eventName: log.eventName, resource, scope },
  ]);
}

function items<T>(requests: readonly ReceivedRequest[], signal: string, name: string, read: (item: any, resource: Attributes, scope: string) => T[]): T[] {
  const type = root.lookupType(name);
  return requests
    .filter((request) => request.signal === signal && request.accepted)
    .flatMap(({ body }) => type.toObject(type.decode(body), { longs: String, bytes: Buffer, defaults: true, arrays: true, oneofs: true }).resources)
    .flatMap(({ resource, scopes }: any) => scopes.flatMap((scope: any) => scope.items.flatMap((item: any) => read(item, record(resource?.attributes), scope.scope?.name ?? ''))));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function record(pairs: any[] | undefined): Attributes {
  return Object.fromEntries((pairs ?? []).map((pair) => [pair.key, value(pair.value)]));
}

function value(any: any): unknown {
  switch (any?.value) {
    case 'a':
      return any.a.values.map(value);
    case 'k':
      return record(any.k.values);
    case 'i':
      return Number(any.i);
    default:
      return any?.[any.value] ?? null;
  }
}
