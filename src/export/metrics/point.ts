/**
 * One metric point: taken out of the Metric that a segment holds, and put into one again.
 * Field numbers: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto
 */
import type { Wire } from '../../spool/wire.ts';

export type MetricKind = 'gauge' | 'sum' | 'histogram' | 'exponential';

export interface Metric {
  /** Fields of Metric: `name = 1`, `description = 2`, `unit = 3`. */
  readonly head: Buffer;
  readonly kind: MetricKind;
  readonly isMonotonic: boolean;
}

export interface Buckets {
  readonly offset: number;
  readonly counts: readonly number[];
}

export type PointValue =
  | { readonly kind: 'int' | 'double'; readonly value: number }
  | { readonly kind: 'histogram'; readonly count: number; readonly sum: number | null; readonly counts: readonly number[]; readonly bounds: readonly number[]; readonly min: number | null; readonly max: number | null }
  | { readonly kind: 'exponential'; readonly count: number; readonly sum: number | null; readonly scale: number; readonly zeroCount: number; readonly positive: Buckets; readonly negative: Buckets; readonly min: number | null; readonly max: number | null };

export interface Point {
  /** Repeated KeyValue messages, without tag and length. */
  readonly attributes: readonly Buffer[];
  /** Nanoseconds since 1970. */
  readonly start: bigint;
  readonly time: bigint;
  readonly value: PointValue;
  readonly exemplars?: readonly Exemplar[];
}

export interface Exemplar {
  readonly time: bigint;
  /** An Exemplar message, without tag and length. */
  readonly bytes: Buffer;
}

export type Temporality = 'cumulative' | 'delta';

/** Reads the content of a Metric with one point. Throws where it is unsound. */
export function readMetric(bytes: Buffer): { readonly metric: Metric; readonly point: Point } {
  const fields = readFields(bytes);
  const head = Buffer.concat(fields.filter(({ number }) => number <= 3).map(({ whole }) => whole));
  const data = fields.find(({ number }) => number in KINDS);
  if (data === undefined) throw new Error('a metric without data');
  const kind = KINDS[data.number]!;
  const inner = readFields(data.bytes);
  const point = inner.find(({ number }) => number === 1);
  if (point === undefined) throw new Error('a metric without a point');
  const isMonotonic = kind === 'sum' && inner.some(({ number, varint }) => number === 3 && varint === 1);
  return { metric: { head, kind, isMonotonic }, point: readPoint(kind, readFields(point.bytes)) };
}

/** Field 2 of ScopeMetrics: a Metric with this point. */
export function writeMetric(wire: Wire, metric: Metric, point: Point, temporality: Temporality): Buffer {
  wire.reset();
  const item = wire.open(0x12);
  wire.raw(metric.head);
  const data = wire.open(metric.kind === 'gauge' ? 0x2a : metric.kind === 'sum' ? 0x3a : metric.kind === 'histogram' ? 0x4a : 0x52);
  const start = wire.open(0x0a);
  writePoint(wire, point);
  for (const { bytes } of point.exemplars ?? []) wire.bytesField((EXEMPLARS[metric.kind] << 3) | 2, bytes);
  wire.close(start);
  if (metric.kind !== 'gauge') wire.varintField(0x10, temporality === 'delta' ? 1 : 2);
  if (metric.isMonotonic) wire.varintField(0x18, 1);
  wire.close(data);
  wire.close(item);
  return Buffer.from(wire.bytes());
}

const KINDS: Readonly<Record<number, MetricKind>> = { 5: 'gauge', 7: 'sum', 9: 'histogram', 10: 'exponential' };
const ATTRIBUTES: Readonly<Record<MetricKind, number>> = { gauge: 7, sum: 7, histogram: 9, exponential: 1 };

const EXEMPLARS: Readonly<Record<MetricKind, number>> = { gauge: 5, sum: 5, histogram: 8, exponential: 11 };

function readPoint(kind: MetricKind, fields: readonly WireField[]): Point {
  const one = (number: number): WireField | undefined => fields.find((field) => field.number === number);
  const exemplars = fields.filter(({ number }) => number === EXEMPLARS[kind]).map(readExemplar);
  return {
    attributes: fields.filter(({ number }) => number === ATTRIBUTES[kind]).map(({ bytes }) => Buffer.from(bytes)),
    start: one(2)?.bytes.readBigUInt64LE() ?? 0n,
    time: one(3)?.bytes.readBigUInt64LE() ?? 0n,
    value: kind === 'histogram' ? readHistogram(one) : kind === 'exponential' ? readExponential(one) : readNumber(one),
    ...(exemplars.length > 0 && { exemplars }),
  };
}

function readExemplar({ bytes }: WireField): Exemplar {
  const time = readFields(bytes).find(({ number }) => number === 2);
  return { time: time?.bytes.readBigUInt64LE() ?? 0n, bytes: Buffer.from(bytes) };
}

type Fields = (number: number) => WireField | undefined;

function readNumber(one: Fields): PointValue {
  const int = one(6);
  if (int !== undefined) return { kind: 'int', value: Number(int.bytes.readBigInt64LE()) };
  return { kind: 'double', value: double(one(4)) ?? 0 };
}

function readHistogram(one: Fields): PointValue {
  return { kind: 'histogram', count: fixed(one(4)), sum: double(one(5)), counts: eights(one(6)).map((bytes) => fixed({ bytes })), bounds: eights(one(7)).map((bytes) => bytes.readDoubleLE()), min: double(one(11)), max: double(one(12)) };
}

function readExponential(one: Fields): PointValue {
  return { kind: 'exponential', count: fixed(one(4)), sum: double(one(5)), scale: unzigzag(one(6)?.varint ?? 0), zeroCount: fixed(one(7)), positive: readBuckets(one(8)), negative: readBuckets(one(9)), min: double(one(12)), max: double(one(13)) };
}

function readBuckets(field: WireField | undefined): Buckets {
  if (field === undefined) return { offset: 0, counts: [] };
  const fields = readFields(field.bytes);
  const counts: number[] = [];
  const packed = fields.find(({ number }) => number === 2)?.bytes ?? Buffer.alloc(0);
  for (let at = 0; at < packed.length; ) {
    const { value, to } = readVarint(packed, at);
    counts.push(value);
    at = to;
  }
  return { offset: unzigzag(fields.find(({ number }) => number === 1)?.varint ?? 0), counts };
}

function writePoint(wire: Wire, { attributes, start, time, value }: Point): void {
  const writeTimes = (): void => {
    if (start !== 0n) wire.nanosField(0x11, start);
    wire.nanosField(0x19, time);
  };
  if (value.kind === 'exponential') {
    for (const pair of attributes) wire.bytesField(0x0a, pair);
    writeTimes();
    wire.fixed64Field(0x21, value.count);
    if (value.sum !== null) wire.doubleField(0x29, value.sum);
    wire.varintField(0x30, zigzag(value.scale));
    wire.fixed64Field(0x39, value.zeroCount);
    writeBuckets(wire, 0x42, value.positive);
    writeBuckets(wire, 0x4a, value.negative);
    if (value.min !== null) wire.doubleField(0x61, value.min);
    if (value.max !== null) wire.doubleField(0x69, value.max);
    return;
  }
  writeTimes();
  if (value.kind === 'histogram') {
    wire.fixed64Field(0x21, value.count);
    if (value.sum !== null) wire.doubleField(0x29, value.sum);
    wire.fixed64List(0x32, value.counts);
    wire.doubleList(0x3a, value.bounds);
    for (const pair of attributes) wire.bytesField(0x4a, pair);
    if (value.min !== null) wire.doubleField(0x59, value.min);
    if (value.max !== null) wire.doubleField(0x61, value.max);
    return;
  }
  if (value.kind === 'int') wire.fixed64Field(0x31, value.value);
  else wire.doubleField(0x21, value.value);
  for (const pair of attributes) wire.bytesField(0x3a, pair);
}

function writeBuckets(wire: Wire, tag: number, { offset, counts }: Buckets): void {
  if (counts.length === 0) return;
  const buckets = wire.open(tag);
  wire.varintField(0x08, zigzag(offset));
  wire.varintList(0x12, counts);
  wire.close(buckets);
}

interface WireField {
  readonly number: number;
  /** Of a varint. */
  readonly varint: number;
  /** Of anything else. */
  readonly bytes: Buffer;
  readonly whole: Buffer;
}

const NOTHING = Buffer.alloc(0);

function readFields(message: Buffer): WireField[] {
  const fields: WireField[] = [];
  for (let at = 0; at < message.length; ) {
    const tag = readVarint(message, at);
    const type = tag.value & 7;
    let from = tag.to;
    let to: number;
    let varint = 0;
    if (type === 0) {
      const read = readVarint(message, from);
      varint = read.value;
      to = read.to;
      from = to;
    } else if (type === 1) to = from + 8;
    else if (type === 5) to = from + 4;
    else if (type === 2) {
      const length = readVarint(message, from);
      from = length.to;
      to = from + length.value;
    } else throw new Error(`unsound metric at byte ${at}`);
    if (to > message.length) throw new Error(`unsound metric at byte ${at}`);
    fields.push({ number: Math.floor(tag.value / 8), varint, bytes: type === 0 ? NOTHING : message.subarray(from, to), whole: message.subarray(at, to) });
    at = to;
  }
  return fields;
}

function readVarint(message: Buffer, from: number): { readonly value: number; readonly to: number } {
  let value = 0;
  let at = from;
  for (let shift = 0; ; shift += 7) {
    const byte = message[at++];
    if (byte === undefined || shift > 63) throw new Error(`unsound metric at byte ${from}`);
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, to: at };
  }
}

function double(field: Pick<WireField, 'bytes'> | undefined): number | null {
  return field === undefined || field.bytes.length !== 8 ? null : field.bytes.readDoubleLE();
}

function fixed(field: Pick<WireField, 'bytes'> | undefined): number {
  return field === undefined || field.bytes.length !== 8 ? 0 : Number(field.bytes.readBigUInt64LE());
}

function eights(field: WireField | undefined): Buffer[] {
  const bytes = field?.bytes ?? NOTHING;
  return Array.from({ length: Math.floor(bytes.length / 8) }, (_, at) => bytes.subarray(at * 8, at * 8 + 8));
}

function zigzag(value: number): number {
  return (value << 1) ^ (value >> 31);
}

function unzigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}
