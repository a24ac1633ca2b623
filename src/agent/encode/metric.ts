/**
 * OTLP protobuf of metric points. Each item of a segment is a Metric with one point: the exporter keeps the last one of each
 * series, and puts them together again.
 * Field numbers: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto
 */
import { ValueType } from '@opentelemetry/api';
import type { DataPoint, ExponentialHistogram, Histogram, MetricData } from '@opentelemetry/sdk-metrics';
import { createWire, type Wire } from '../../spool/wire.ts';
import type { Redactor } from '../redact/redact.ts';
import type { Exemplar } from '../meter/exemplars.ts';
import { writeAttributes } from '../../spool/attributes.ts';

/** Of `DataPointType`, whose module need not be loaded for it. */
const HISTOGRAM = 0;
const EXPONENTIAL_HISTOGRAM = 1;
const GAUGE = 2;

/** Field 2 of ScopeMetrics; attributes are redacted already, where they are measured. The bytes are valid until the next call. */
export type MetricEncoder = (metric: MetricData, point: DataPoint<number | Histogram | ExponentialHistogram>, exemplars: readonly Exemplar[]) => Buffer;

export function createMetricEncoder(redactor: Redactor): MetricEncoder {
  const wire = createWire();
  return (metric, point, exemplars) => {
    const { descriptor, dataPointType } = metric;
    wire.reset();
    const item = wire.open(0x12);
    wire.stringField(0x0a, descriptor.name);
    if (descriptor.description !== '') wire.stringField(0x12, redactor.text(descriptor.description));
    if (descriptor.unit !== '') wire.stringField(0x1a, descriptor.unit);
    const data = wire.open(dataPointType === GAUGE ? 0x2a : dataPointType === HISTOGRAM ? 0x4a : dataPointType === EXPONENTIAL_HISTOGRAM ? 0x52 : 0x3a);
    const start = wire.open(0x0a);
    const { attributes } = point;
    if (dataPointType === HISTOGRAM) writeHistogram(wire, point as DataPoint<Histogram>, attributes);
    else if (dataPointType === EXPONENTIAL_HISTOGRAM) writeExponential(wire, point as DataPoint<ExponentialHistogram>, attributes);
    else writeNumber(wire, point as DataPoint<number>, attributes, descriptor.valueType);
    const tag = dataPointType === HISTOGRAM ? 0x42 : dataPointType === EXPONENTIAL_HISTOGRAM ? 0x5a : 0x2a;
    for (const exemplar of exemplars) writeExemplar(wire, tag, exemplar, exemplar.filtered, dataPointType !== HISTOGRAM && dataPointType !== EXPONENTIAL_HISTOGRAM && descriptor.valueType === ValueType.INT);
    wire.close(start);
    if (dataPointType !== GAUGE) wire.varintField(0x10, CUMULATIVE);
    if ('isMonotonic' in metric && metric.isMonotonic) wire.varintField(0x18, 1);
    wire.close(data);
    wire.close(item);
    return wire.bytes();
  };
}

const CUMULATIVE = 2;

function writeNumber(wire: Wire, { startTime, endTime, value }: DataPoint<number>, attributes: object, type: ValueType): void {
  wire.timeField(0x11, startTime);
  wire.timeField(0x19, endTime);
  if (type === ValueType.INT && Number.isSafeInteger(value)) wire.fixed64Field(0x31, value);
  else wire.doubleField(0x21, value);
  writeAttributes(wire, 0x3a, attributes);
}

function writeExemplar(wire: Wire, tag: number, { value, time, span }: Exemplar, filtered: object, isInt: boolean): void {
  const start = wire.open(tag);
  wire.nanosField(0x11, BigInt(time) * 1_000_000n);
  if (isInt && Number.isSafeInteger(value)) wire.fixed64Field(0x31, value);
  else wire.doubleField(0x19, value);
  if (span !== undefined) {
    wire.hexField(0x22, span.spanId);
    wire.hexField(0x2a, span.traceId);
  }
  writeAttributes(wire, 0x3a, filtered);
  wire.close(start);
}

function writeHistogram(wire: Wire, { startTime, endTime, value }: DataPoint<Histogram>, attributes: object): void {
  wire.timeField(0x11, startTime);
  wire.timeField(0x19, endTime);
  wire.fixed64Field(0x21, value.count);
  if (value.sum !== undefined) wire.doubleField(0x29, value.sum);
  wire.fixed64List(0x32, value.buckets.counts);
  wire.doubleList(0x3a, value.buckets.boundaries);
  writeAttributes(wire, 0x4a, attributes);
  if (value.count > 0 && value.min !== undefined) wire.doubleField(0x59, value.min);
  if (value.count > 0 && value.max !== undefined) wire.doubleField(0x61, value.max);
}

function writeExponential(wire: Wire, { startTime, endTime, value }: DataPoint<ExponentialHistogram>, attributes: object): void {
  writeAttributes(wire, 0x0a, attributes);
  wire.timeField(0x11, startTime);
  wire.timeField(0x19, endTime);
  wire.fixed64Field(0x21, value.count);
  if (value.sum !== undefined) wire.doubleField(0x29, value.sum);
  wire.varintField(0x30, zigzag(value.scale));
  wire.fixed64Field(0x39, value.zeroCount);
  for (const [tag, { offset, bucketCounts }] of [[0x42, value.positive], [0x4a, value.negative]] as const) {
    if (bucketCounts.length === 0) continue;
    const buckets = wire.open(tag);
    wire.varintField(0x08, zigzag(offset));
    wire.varintList(0x12, bucketCounts);
    wire.close(buckets);
  }
  if (value.count > 0 && value.min !== undefined) wire.doubleField(0x61, value.min);
  if (value.count > 0 && value.max !== undefined) wire.doubleField(0x69, value.max);
}

function zigzag(value: number): number {
  return (value << 1) ^ (value >> 31);
}
