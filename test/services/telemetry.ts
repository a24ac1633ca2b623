import { existsSync, readFileSync } from 'node:fs';
import type { Collector } from './collector.ts';
import { waitFor } from './server.ts';

type AttributeValue = string | number | boolean | readonly AttributeValue[] | { readonly [key: string]: AttributeValue } | undefined;
export type Attributes = { readonly [key: string]: AttributeValue };

/** A span as the Collector received it, its attributes and its resource's as plain values. */
export type ReceivedSpan = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  /** OTLP's numbers: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: Attributes;
  readonly resource: Attributes;
  readonly scope: string;
  readonly events: readonly { readonly name: string; readonly attributes: Attributes }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
};

/** A point of a metric as the Collector received it. */
export type CollectedPoint = {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'gauge' | 'sum' | 'histogram' | 'exponentialHistogram';
  readonly attributes: Attributes;
  readonly resource: Attributes;
  readonly timeUnixNano: string;
  /** Of a gauge or sum its value, of a histogram its sum. */
  readonly value: number;
  /** Of a histogram. */
  readonly count: number;
  readonly bucketCounts: readonly number[];
  readonly explicitBounds: readonly number[];
};

/** A log record as the Collector received it. */
export type CollectedLog = {
  readonly timeUnixNano: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly eventName: string;
  readonly body: AttributeValue;
  readonly attributes: Attributes;
  readonly resource: Attributes;
  readonly scope: string;
};

/** The spans that have arrived at the Collector by now and satisfy `where`. */
export function readSpans(collector: Pick<Collector, 'file'>, where: (span: ReceivedSpan) => boolean = () => true): ReceivedSpan[] {
  return readLines<ExportRequest>(collector, 'resourceSpans').flatMap(spansOf).filter(where);
}

/** The points of metrics that have arrived at the Collector, oldest first. */
export function readPoints(collector: Pick<Collector, 'file'>, where: (point: CollectedPoint) => boolean = () => true): CollectedPoint[] {
  return readLines<MetricsRequest>(collector, 'resourceMetrics').flatMap(pointsOf).filter(where);
}

/** The log records that have arrived at the Collector, oldest first. */
export function readLogs(collector: Pick<Collector, 'file'>, where: (record: CollectedLog) => boolean = () => true): CollectedLog[] {
  return readLines<LogsRequest>(collector, 'resourceLogs').flatMap(logsOf).filter(where);
}

function readLines<T>({ file }: Pick<Collector, 'file'>, signal: string): T[] {
  if (!existsSync(file)) return [];
  const written = readFileSync(file, 'utf8');
  return written
    .slice(0, written.lastIndexOf('\n') + 1) // the last line may be half written
    .split('\n')
    .filter((line) => line.startsWith(`{"${signal}"`))
    .map((line) => JSON.parse(line) as T);
}

/** Waits until `count` spans that satisfy `where` have arrived, and resolves with them. */
export async function waitForSpans(
  collector: Pick<Collector, 'file'>,
  where: (span: ReceivedSpan) => boolean,
  count = 1,
  timeoutMs = 10_000,
): Promise<ReceivedSpan[]> {
  let spans: ReceivedSpan[] = [];
  await waitFor(`${count} spans at the Collector`, timeoutMs, async () => {
    spans = readSpans(collector, where);
    return spans.length >= count;
  }).catch((error: Error) => {
    throw new Error(`${error.message}; ${spans.length} came: ${spans.map((span) => span.name).join(', ')}`);
  });
  return spans;
}

type AnyValue = {
  readonly stringValue?: string;
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values?: readonly AnyValue[] };
  readonly kvlistValue?: { readonly values?: readonly KeyValue[] };
};
type KeyValue = { readonly key: string; readonly value?: AnyValue };
type OtlpSpan = Omit<ReceivedSpan, 'attributes' | 'resource' | 'scope' | 'events' | 'links' | 'parentSpanId' | 'status'> & {
  readonly parentSpanId?: string;
  readonly status?: ReceivedSpan['status'];
  readonly attributes?: readonly KeyValue[];
  readonly events?: readonly { readonly name: string; readonly attributes?: readonly KeyValue[] }[];
  readonly links?: ReceivedSpan['links'];
};
type ExportRequest = {
  readonly resourceSpans: readonly {
    readonly resource?: { readonly attributes?: readonly KeyValue[] };
    readonly scopeSpans?: readonly { readonly scope?: { readonly name?: string }; readonly spans?: readonly OtlpSpan[] }[];
  }[];
};

function spansOf(request: ExportRequest): ReceivedSpan[] {
  return request.resourceSpans.flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ scope, spans = [] }) =>
      spans.map((span) => ({
        ...span,
        parentSpanId: span.parentSpanId ?? '',
        status: span.status ?? {},
        attributes: plain(span.attributes),
        resource: plain(resource?.attributes),
        scope: scope?.name ?? '',
        events: (span.events ?? []).map((event) => ({ ...event, attributes: plain(event.attributes) })),
        links: span.links ?? [],
      })),
    ),
  );
}

type Resource = { readonly attributes?: readonly KeyValue[] };
type OtlpPoint = {
  readonly attributes?: readonly KeyValue[];
  readonly timeUnixNano: string;
  readonly asInt?: string;
  readonly asDouble?: number;
  readonly count?: string;
  readonly sum?: number;
  readonly bucketCounts?: readonly string[];
  readonly explicitBounds?: readonly number[];
};
type OtlpMetric = { readonly name: string; readonly unit?: string } & { readonly [K in CollectedPoint['kind']]?: { readonly dataPoints?: readonly OtlpPoint[] } };
type MetricsRequest = { readonly resourceMetrics: readonly { readonly resource?: Resource; readonly scopeMetrics?: readonly { readonly metrics?: readonly OtlpMetric[] }[] }[] };
type OtlpLog = { readonly timeUnixNano?: string; readonly traceId?: string; readonly spanId?: string; readonly severityNumber?: number; readonly severityText?: string; readonly eventName?: string; readonly body?: AnyValue; readonly attributes?: readonly KeyValue[] };
type LogsRequest = { readonly resourceLogs: readonly { readonly resource?: Resource; readonly scopeLogs?: readonly { readonly scope?: { readonly name?: string }; readonly logRecords?: readonly OtlpLog[] }[] }[] };

const KINDS = ['gauge', 'sum', 'histogram', 'exponentialHistogram'] as const;

function pointsOf({ resourceMetrics }: MetricsRequest): CollectedPoint[] {
  return resourceMetrics.flatMap(({ resource, scopeMetrics = [] }) =>
    scopeMetrics.flatMap(({ metrics = [] }) =>
      metrics.flatMap((metric) =>
        KINDS.flatMap((kind) =>
          (metric[kind]?.dataPoints ?? []).map((point) => ({
            name: metric.name,
            unit: metric.unit ?? '',
            kind,
            attributes: plain(point.attributes),
            resource: plain(resource?.attributes),
            timeUnixNano: point.timeUnixNano,
            value: Number(point.asInt ?? point.asDouble ?? point.sum ?? 0),
            count: Number(point.count ?? 0),
            bucketCounts: (point.bucketCounts ?? []).map(Number),
            explicitBounds: point.explicitBounds ?? [],
          })),
        ),
      ),
    ),
  );
}

function logsOf({ resourceLogs }: LogsRequest): CollectedLog[] {
  return resourceLogs.flatMap(({ resource, scopeLogs = [] }) =>
    scopeLogs.flatMap(({ scope, logRecords = [] }) =>
      logRecords.map((record) => ({
        timeUnixNano: record.timeUnixNano ?? '',
        traceId: record.traceId ?? '',
        spanId: record.spanId ?? '',
        severityNumber: record.severityNumber ?? 0,
        severityText: record.severityText ?? '',
        eventName: record.eventName ?? '',
        body: valueOf(record.body),
        attributes: plain(record.attributes),
        resource: plain(resource?.attributes),
        scope: scope?.name ?? '',
      })),
    ),
  );
}

function plain(attributes: readonly KeyValue[] = []): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)]));
}

function valueOf(value: AnyValue = {}): AttributeValue {
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.arrayValue) return (value.arrayValue.values ?? []).map(valueOf);
  if (value.kvlistValue) return plain(value.kvlistValue.values);
  return value.stringValue ?? value.doubleValue ?? value.boolValue;
}
