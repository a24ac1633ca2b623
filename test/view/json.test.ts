import {
  JsonLogsSerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { expect, test } from 'vitest';
import { toJson } from '../../src/export/json.ts';
import type { SignalName } from '../../src/plan/types.ts';
import { double, field, fixed64, text, varint } from './wire.ts';
import { sampleLogs, sampleMetrics, sampleSpans } from './otlp-samples.ts';

const json = (signal: SignalName, body: Uint8Array): unknown => JSON.parse(toJson(signal, Buffer.from(body)).toString());

const samples: [SignalName, () => Promise<[Uint8Array, Uint8Array]>][] = [
  ['traces', async () => twice(ProtobufTraceSerializer, JsonTraceSerializer, sampleSpans())],
  ['metrics', async () => twice(ProtobufMetricsSerializer, JsonMetricsSerializer, await sampleMetrics())],
  ['logs', async () => twice(ProtobufLogsSerializer, JsonLogsSerializer, sampleLogs())],
];

test.each(samples)('%s come out as the JSON serializer of OpenTelemetry writes them', async (signal, make) => {
  const [protobuf, expected] = await make();
  const ours = json(signal, protobuf);
  expect(canonical(ours)).toEqual(canonical(JSON.parse(Buffer.from(expected).toString())));
  expect(JSON.stringify(ours)).toContain('"stringValue":"orders"');
});

// What the SDK never writes: message bodies drawn by hand, with the JSON that the specification wants.
const metric = (...data: Buffer[]): Buffer => field(1, field(2, field(2, ...data)));
const log = (...record: Buffer[]): Buffer => field(1, field(2, field(2, ...record)));
const oneMetric = (data: object): object => ({ resourceMetrics: [{ scopeMetrics: [{ metrics: [data] }] }] });
const oneLog = (record: object): object => ({ resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] });

test.each<[string, SignalName, Buffer, object]>([
  ['nothing', 'traces', Buffer.alloc(0), {}],
  ['64-bit integers as strings', 'logs', log(fixed64(1, 2n ** 64n - 1n)), oneLog({ timeUnixNano: '18446744073709551615' })],
  ['a negative integer', 'logs', log(field(5, varint(3, -5n))), oneLog({ body: { intValue: '-5' } })],
  ['the smallest integer', 'logs', log(field(5, varint(3, -(2n ** 63n)))), oneLog({ body: { intValue: '-9223372036854775808' } })],
  ['numbers that JSON lacks', 'logs', log(field(5, double(4, NaN))), oneLog({ body: { doubleValue: 'NaN' } })],
  ['infinity', 'logs', log(field(5, double(4, -Infinity))), oneLog({ body: { doubleValue: '-Infinity' } })],
  ['bytes in base64', 'logs', log(field(5, field(7, Buffer.from([255, 254])))), oneLog({ body: { bytesValue: '//4=' } })],
  ['an empty array', 'logs', log(field(5, field(5))), oneLog({ body: { arrayValue: {} } })],
  ['a key named __proto__', 'logs', log(field(6, text(1, '__proto__'), field(2, text(1, 'x')))), oneLog({ attributes: [{ key: '__proto__', value: { stringValue: 'x' } }] })],
  ['strings that are not UTF-8', 'logs', log(field(3, Buffer.from([0x61, 0xff]))), oneLog({ severityText: 'a\ufffd' })],
  ['the last of two alternatives', 'logs', log(field(5, text(1, 'a'), varint(2, 1n))), oneLog({ body: { boolValue: true } })],
  ['an enum that is not known yet', 'logs', log(varint(2, 99n)), oneLog({ severityNumber: 99 })],
  ['fields that are not known yet', 'logs', log(varint(500, 7n), text(501, 'new'), fixed64(502, 1n), text(3, 'INFO')), oneLog({ severityText: 'INFO' })],
  ['a known field of another wire type', 'logs', log(varint(3, 1n), text(12, 'e')), oneLog({ eventName: 'e' })],
  ['packed counts', 'metrics', metric(field(9, field(1, field(6, Buffer.alloc(16, 1))))), oneMetric({ histogram: { dataPoints: [{ bucketCounts: ['72340172838076673', '72340172838076673'] }] } })],
  ['unpacked counts', 'metrics', metric(field(9, field(1, fixed64(6, 1n), fixed64(6, 2n)))), oneMetric({ histogram: { dataPoints: [{ bucketCounts: ['1', '2'] }] } })],
  ['a negative scale', 'metrics', metric(field(10, field(1, varint(6, 3n)))), oneMetric({ exponentialHistogram: { dataPoints: [{ scale: -2 }] } })],
  ['a summary', 'metrics', metric(field(11, field(1, field(6, double(1, 0.5), double(2, 9))))), oneMetric({ summary: { dataPoints: [{ quantileValues: [{ quantile: 0.5, value: 9 }] }] } })],
  ['entity references', 'traces', field(1, field(1, field(3, text(2, 'host'), text(3, 'host.id')))), { resourceSpans: [{ resource: { entityRefs: [{ type: 'host', idKeys: ['host.id'] }] } }] }],
])('%s', (_, signal, body, expected) => {
  expect(json(signal, body)).toEqual(expected);
});

test.each<[string, Buffer, RegExp]>([
  ['a length beyond the end', Buffer.from([0x0a, 0x7f, 0x00]), /a field of 127 bytes at byte 2, where 1 are left/],
  ['a cut number', Buffer.from([0x0a]), /cut off at byte 1/],
  ['a number without end', Buffer.alloc(20, 0xff), /more than ten bytes/],
  ['a group', Buffer.from([0x0b]), /wire type 3/],
  ['field 0', Buffer.from([0x00, 0x00]), /field 0/],
  ['nesting without end', deep(1000), /nested more than 64 deep/],
])('%s is an error in words', (_, body, words) => {
  expect(() => json('logs', body)).toThrow(words);
});

function deep(levels: number): Buffer {
  let value = varint(2, 1n);
  for (let level = 0; level < levels; level++) value = field(5, field(1, value));
  return log(field(5, value));
}

interface Serializer<T> {
  serializeRequest(items: T): Uint8Array | undefined;
}

function twice<T>(protobuf: Serializer<T>, json: Serializer<T>, items: T): [Uint8Array, Uint8Array] {
  return [protobuf.serializeRequest(items)!, json.serializeRequest(items)!];
}

/** Evens out what OTLP/JSON leaves to the writer: defaults may be left out, 64-bit integers may be numbers or strings. */
function canonical(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => canonical(item, key));
  if (typeof value === 'number' && /^(intValue|asInt|count|zeroCount|bucketCounts|.*Nano)$/.test(key)) return String(value);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [name, canonical(inner, name)] as const);
  return Object.fromEntries(entries.filter(([name, inner]) => name.endsWith('Value') || /^as[ID]/.test(name) || !isDefault(inner)));
}

function isDefault(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === 0 || value === '0' || value === '' || value === false || value === null;
}
