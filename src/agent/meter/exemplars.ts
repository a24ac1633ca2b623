/**
 * Exemplars, which the SDK (sdk-metrics 2.12) has parts of and does not keep: of each bucket of a histogram with bounds the last
 * measurement, of an exponential one up to twenty at random, of any other series the last one.
 * https://opentelemetry.io/docs/specs/otel/metrics/sdk/#exemplar
 */
import { TraceFlags, context, isSpanContextValid, trace, type Attributes, type Context, type SpanContext } from '@opentelemetry/api';
import { DeltaMetricProcessor } from '@opentelemetry/sdk-metrics/build/src/state/DeltaMetricProcessor';
import { SyncMetricStorage } from '@opentelemetry/sdk-metrics/build/src/state/SyncMetricStorage';
import { binarySearchUB } from '@opentelemetry/sdk-metrics/build/src/utils';
import type { MetricsPlan } from '../../plan/types.ts';
import { hashOf } from './attributes.ts';

export interface Exemplar {
  readonly value: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly span: SpanContext | undefined;
  /** What the series does not have of the measurement's attributes. */
  readonly filtered: Attributes;
}

interface Storage {
  readonly _deltaMetricStorage: Processor;
  record(value: number, attributes: Attributes, at: Context | undefined, time: number): void;
}

interface Processor {
  readonly _aggregator: { readonly kind: number; readonly _boundaries?: readonly number[] };
  /** By hash of the series' attributes. */
  _exemplars?: Map<string, Reservoir>;
  record(value: number, attributes: Attributes, time: number): void;
}

interface Reservoir {
  readonly slots: (Exemplar | undefined)[];
  seen: number;
}

/** Of `AggregatorKind`. */
const HISTOGRAM = 3;
const EXPONENTIAL_HISTOGRAM = 4;
/** https://opentelemetry.io/docs/specs/otel/metrics/sdk/#exemplar-defaults */
const MOST = 20;

/** Before `limitCardinality`: what is beyond the limit is kept with the series that it is counted in. */
export function keepExemplars(filter: MetricsPlan['exemplars']): void {
  if (filter === 'always_off') return;
  let measured: { readonly span: SpanContext | undefined; readonly attributes: Attributes } | null = null;

  const storage = SyncMetricStorage.prototype as unknown as Storage;
  const { record: measure } = storage;
  storage.record = function (value, attributes, at, time) {
    const span = trace.getSpanContext(at ?? context.active());
    const isTraced = span !== undefined && isSpanContextValid(span);
    if (filter === 'always_on' || (isTraced && (span.traceFlags & TraceFlags.SAMPLED) !== 0)) measured = { span: isTraced ? span : undefined, attributes };
    try {
      measure.call(this, value, attributes, at, time);
    } finally {
      measured = null;
    }
  };

  const processor = DeltaMetricProcessor.prototype as unknown as Processor;
  const { record } = processor;
  processor.record = function (value, attributes, time) {
    record.call(this, value, attributes, time);
    if (measured !== null) keep(this, value, attributes, time, measured.span, measured.attributes);
  };
}

/** Those of a series, the application's own instruments as well; none of what is observed. */
export function exemplarsOf(storage: object, attributes: Attributes): readonly Exemplar[] {
  const kept = (storage as Storage)._deltaMetricStorage._exemplars?.get(hashOf(attributes));
  return kept === undefined ? [] : kept.slots.filter((slot) => slot !== undefined);
}

function keep(target: Processor, value: number, attributes: Attributes, time: number, span: SpanContext | undefined, all: Attributes): void {
  const kept = (target._exemplars ??= new Map());
  const hash = hashOf(attributes);
  let reservoir = kept.get(hash);
  if (reservoir === undefined) kept.set(hash, (reservoir = { slots: [], seen: 0 }));
  const slot = slotOf(target._aggregator, reservoir, value);
  reservoir.seen++;
  if (slot < MOST || target._aggregator.kind === HISTOGRAM) reservoir.slots[slot] = { value, time, span, filtered: all === attributes ? NONE : without(all, attributes) };
}

function slotOf({ kind, _boundaries: boundaries = [] }: Processor['_aggregator'], { seen }: Reservoir, value: number): number {
  if (kind === HISTOGRAM) return binarySearchUB(boundaries as number[], value);
  if (kind !== EXPONENTIAL_HISTOGRAM) return 0;
  return seen < MOST ? seen : Math.floor(Math.random() * (seen + 1));
}

const NONE: Attributes = {};

function without(all: Attributes, kept: Attributes): Attributes {
  return Object.fromEntries(Object.entries(all).filter(([key]) => !(key in kept)));
}
