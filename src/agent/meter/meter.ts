/**
 * The meter of one process: OpenTelemetry's SDK makes the points, and we collect them ourselves, synchronously. Its own
 * readers are asynchronous and give nothing in `exit`. A bundle of its own, loaded where metrics are wanted.
 */
import type { MeterProvider as ApiMeterProvider } from '@opentelemetry/api';
import { emptyResource } from '@opentelemetry/resources';
import { AggregationType, MeterProvider, MetricReader, type AggregationOption, type DataPoint, type ExponentialHistogram, type Histogram, type IMetricReader, type MetricData, InstrumentType } from '@opentelemetry/sdk-metrics';
import type { AgentPlan } from '../../plan/types.ts';
import type { Redactor } from '../redact/redact.ts';
import { createCleaner } from './attributes.ts';
import { createCallbackTurns } from './callback-turns.ts';
import { LIMIT, limitCardinality, recordQuickly } from './cardinality.ts';
import { collect, type Asking } from './collect.ts';
import { exemplarsOf, keepExemplars, type Exemplar } from './exemplars.ts';
import { guardInstruments, guardMeters } from './guard.ts';
import { measureProcess } from './process-metrics.ts';
import { addViews, createView } from './views.ts';

export type Point = DataPoint<number | Histogram | ExponentialHistogram>;
/** Takes a point of a metric of a scope, redacted; what it holds is the SDK's and may change later. */
export type PointSink = (scope: MetricScope, metric: MetricData, point: Point, exemplars: readonly Exemplar[]) => void;

export interface MetricScope {
  readonly name: string;
  readonly version?: string;
  readonly schemaUrl?: string;
}

export interface Meter {
  readonly provider: ApiMeterProvider;
  /**
   * Hands over every series that has changed since the last time; `all`: every series. Asks all callbacks, or those whose turn it is,
   * and has the milliseconds that they took.
   */
  snapshot(all: boolean, asked: 'all' | 'due'): number;
}

// Taken before the application can replace it.
const now = performance.now.bind(performance);

export function createMeter(plan: NonNullable<AgentPlan['metrics']>, redactor: Redactor, sink: PointSink): Meter {
  guardInstruments(createCleaner(redactor));
  recordQuickly();
  keepExemplars(plan.exemplars);
  limitCardinality();
  const standard = (type: InstrumentType): AggregationOption => (plan.histograms === 'exponential' && type === InstrumentType.HISTOGRAM ? EXPONENTIAL : { type: AggregationType.DEFAULT });
  const provider = new MeterProvider({
    resource: emptyResource(),
    readers: [new SnapshotReader(standard) as IMetricReader],
  });
  guardMeters(provider);
  addViews(provider, plan.views.map((view) => createView(view, LIMIT, standard)));
  if (plan.process) measureProcess(provider);
  // By metric and attributes: the application may hand the same object to several instruments, and the SDK keeps it.
  const tellings = new Map<object, Map<object, number>>();
  const turns = createCallbackTurns();
  return {
    provider,
    snapshot(all, asked) {
      let spent = 0;
      const asking: Asking = (callbacks, ask) => {
        for (const callback of asked === 'all' ? callbacks : turns.due(callbacks, now())) {
          const began = now();
          ask(callback);
          const cost = now() - began;
          turns.took(callback, began, cost);
          spent += cost;
        }
      };
      for (const { scope, metrics } of collect(provider, asking)) {
        for (const { storage, metric } of metrics) {
          let told = tellings.get(storage);
          if (told === undefined) tellings.set(storage, (told = new Map()));
          for (const point of metric.dataPoints as Point[]) {
            const mark = markOf(point.value);
            if (!all && told.get(point.attributes) === mark) continue;
            try {
              sink(scope, metric, point, exemplarsOf(storage, point.attributes));
              told.set(point.attributes, mark);
            } catch {
              told.delete(point.attributes); // it is told the next time
            }
          }
        }
      }
      return spent;
    },
  };
}

/** What changes whenever something is recorded. */
function markOf(value: Point['value']): number {
  return typeof value === 'number' ? value : value.count;
}

const EXPONENTIAL: AggregationOption = { type: AggregationType.EXPONENTIAL_HISTOGRAM };

class SnapshotReader extends MetricReader {
  constructor(standard: (type: InstrumentType) => AggregationOption) {
    super({
      aggregationSelector: standard,
      // What is observed is limited by the SDK, which knows all of it at each collection; for what is recorded see `limitCardinality`.
      cardinalitySelector: (type) => (OBSERVABLE.has(type) ? LIMIT : Infinity),
    });
  }
  protected async onShutdown(): Promise<void> {}
  protected async onForceFlush(): Promise<void> {}
}

const OBSERVABLE: ReadonlySet<InstrumentType> = new Set([InstrumentType.OBSERVABLE_COUNTER, InstrumentType.OBSERVABLE_GAUGE, InstrumentType.OBSERVABLE_UP_DOWN_COUNTER]);
