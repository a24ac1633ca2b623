/**
 * An instrument may be given anything. The API's own instruments, which the application meets without us, never throw, so ours
 * must not either.
 */
import { createNoopMeter, diag, ValueType, type Attributes, type Context, type HrTime, type MetricOptions } from '@opentelemetry/api';
import type { IAttributesProcessor, MeterProvider } from '@opentelemetry/sdk-metrics';
import { CounterInstrument, GaugeInstrument, HistogramInstrument, UpDownCounterInstrument } from '@opentelemetry/sdk-metrics/build/src/Instruments';
import { Meter } from '@opentelemetry/sdk-metrics/build/src/Meter';
import { BatchObservableResultImpl, ObservableResultImpl } from '@opentelemetry/sdk-metrics/build/src/ObservableResult';
import { AsyncMetricStorage } from '@opentelemetry/sdk-metrics/build/src/state/AsyncMetricStorage';
import { AttributeHashMap } from '@opentelemetry/sdk-metrics/build/src/state/HashMap';
import { speak } from '../encode/sound.ts';
import { hashOf, soundAttributes, type Cleaner } from './attributes.ts';

type Method = (this: object, ...args: unknown[]) => unknown;

interface ObservedStorage {
  readonly _attributesProcessor: IAttributesProcessor | undefined;
  readonly _deltaMetricStorage: { readonly _aggregator: { readonly kind: number }; batchCumulate(measurements: AttributeHashMap<number>, time: HrTime): void };
  record(measurements: AttributeHashMap<number>, time: HrTime): void;
}

/** Of `AggregatorKind`. */
const SUM = 1;

let clean: Cleaner = (attributes) => attributes;
let isDone = false;

/** Guards all instruments of this process. What they measure is told by the attributes that `cleaner` leaves. */
export function guardInstruments(cleaner: Cleaner): void {
  clean = cleaner;
  if (isDone) return;
  isDone = true;
  for (const [kind, name] of [[CounterInstrument, 'add'], [UpDownCounterInstrument, 'add'], [GaugeInstrument, 'record'], [HistogramInstrument, 'record']] as const) {
    replace(kind.prototype, name, (inner) => function (value, attributes, at) {
      try {
        if (isMeasurement(value)) inner.call(this, value, clean(soundAttributes(attributes)), at === undefined ? at : contextOf(at));
      } catch {
        // The stack is full.
      }
    });
  }
  // With their own attributes: what is observed twice of one set replaces, what redaction leaves the same adds up.
  replace(ObservableResultImpl.prototype, 'observe', (inner) => function (value, attributes) {
    attempt(() => isMeasurement(value) && inner.call(this, value, soundAttributes(attributes)));
  });
  replace(BatchObservableResultImpl.prototype, 'observe', (inner) => function (instrument, value, attributes) {
    attempt(() => isMeasurement(value) && inner.call(this, instrument, value, soundAttributes(attributes)));
  });
  addUpObserved();
  for (const name of ['createGauge', 'createHistogram', 'createCounter', 'createUpDownCounter', 'createObservableGauge', 'createObservableCounter', 'createObservableUpDownCounter'] as const) {
    replace(Meter.prototype, name, (inner) => function (given, options) {
      return attempt(() => inner.call(this, textOf(given), readable(options))) ?? createNoopMeter()[name](textOf(given));
    });
  }
  for (const name of ['addBatchObservableCallback', 'removeBatchObservableCallback']) {
    replace(Meter.prototype, name, (inner) => function (...args) {
      attempt(() => inner.apply(this, args));
    });
  }
}

/** Meters of any name. */
export function guardMeters(provider: MeterProvider): void {
  replace(provider, 'getMeter', (inner) => function (name, version, options) {
    const schemaUrl = read(options, 'schemaUrl');
    return inner.call(provider, textOf(name), version === undefined || version === null ? '' : textOf(version), typeof schemaUrl === 'string' ? { schemaUrl } : {});
  });
}

/** What observed sums have left of their attributes may be the same: then they are one sum. The SDK (2.12) keeps the last of them. */
function addUpObserved(): void {
  const prototype = AsyncMetricStorage.prototype as unknown as ObservedStorage;
  prototype.record = function (measurements, time) {
    const { _attributesProcessor: filter, _deltaMetricStorage: storage } = this;
    const left = new AttributeHashMap<number>();
    for (const [attributes, value, hash] of measurements.entries()) {
      const cleaned = clean(attributes, hash);
      const kept = filter === undefined ? cleaned : filter.process(cleaned);
      const keptHash = hashOf(kept);
      left.set(kept, storage._aggregator.kind === SUM ? (left.get(kept, keptHash) ?? 0) + value : value, keptHash);
    }
    storage.batchCumulate(left, time);
  };
}

/** One value that is no number would make a sum none for ever. */
function isMeasurement(value: unknown): boolean {
  if (Number.isFinite(value)) return true;
  diag.warn(`otel-run: ${speak(value)} is no number that can be measured: dropped`);
  return false;
}

function contextOf(given: unknown): Context | undefined {
  return typeof read(given, 'getValue') === 'function' ? (given as Context) : undefined;
}

/** Of the options of an instrument what is as the API has it. */
function readable(given: unknown): MetricOptions {
  const [description, unit, valueType, advice] = ['description', 'unit', 'valueType', 'advice'].map((key) => read(given, key));
  const boundaries = read(advice, 'explicitBucketBoundaries');
  return {
    ...(typeof description === 'string' && { description }),
    ...(typeof unit === 'string' && { unit }),
    ...((valueType === ValueType.INT || valueType === ValueType.DOUBLE) && { valueType }),
    ...(areBoundaries(boundaries) && { advice: { explicitBucketBoundaries: [...boundaries] } }),
  };
}

function areBoundaries(value: unknown): value is number[] {
  return attempt(() => Array.isArray(value) && value.every((bound) => typeof bound === 'number' && !Number.isNaN(bound))) === true;
}

function read(from: unknown, key: string): unknown {
  return attempt(() => (from as Attributes | null | undefined)?.[key]);
}

function textOf(name: unknown): string {
  return typeof name === 'string' ? name : speak(name);
}

function replace(target: object, name: string, make: (inner: Method) => Method): void {
  const methods = target as Record<string, Method>;
  methods[name] = make(methods[name]!);
}

function attempt<T>(step: () => T): T | undefined {
  try {
    return step();
  } catch {
    return undefined;
  }
}
