import type { HrTime } from '@opentelemetry/api';
import type { MeterProvider, MetricData } from '@opentelemetry/sdk-metrics';
import { BatchObservableResultImpl, ObservableResultImpl } from '@opentelemetry/sdk-metrics/build/src/ObservableResult';
import type { MetricScope } from './meter.ts';

/** What of the SDK is ours to know: `MetricCollector.collect` with nothing to wait for (sdk-metrics 2.12, bundled). */
interface Internals {
  readonly _sharedState: { readonly metricCollectors: readonly object[]; readonly meterSharedStates: ReadonlyMap<string, SharedState> };
}

interface SharedState {
  readonly _instrumentationScope: MetricScope;
  readonly observableRegistry: { readonly _callbacks: readonly Single[]; readonly _batchCallbacks: readonly Batch[] };
  readonly metricStorageRegistry: { getStorages(collector: object): readonly { collect(collector: object, time: HrTime): MetricData | undefined }[] };
}

interface Instrument {
  readonly _descriptor: { readonly name: string; readonly valueType: number };
  readonly _metricStorages: readonly { record(measurements: object, time: HrTime): void }[];
}

interface Single {
  readonly instrument: Instrument;
  readonly callback: (result: object) => unknown;
}

interface Batch {
  readonly instruments: ReadonlySet<Instrument>;
  readonly callback: (result: object) => unknown;
}

/** A metric, and what it comes from. */
export interface Collected {
  readonly storage: object;
  readonly metric: MetricData;
}

/** Asks of the callbacks those that it chooses. */
export type Asking = <T extends object>(callbacks: readonly T[], ask: (callback: T) => void) => void;

/**
 * The metrics of every scope, now. What an asynchronous callback observes after its first `await` is in the next ones.
 * A callback that throws costs its own points.
 */
export function collect(provider: MeterProvider, asking: Asking): { readonly scope: MetricScope; readonly metrics: readonly Collected[] }[] {
  const { metricCollectors, meterSharedStates } = (provider as unknown as Internals)._sharedState;
  const collector = metricCollectors[0]!;
  const now = hrTime();
  const states = [...meterSharedStates.values()];
  asking(
    states.flatMap(({ observableRegistry: { _callbacks, _batchCallbacks } }): (Single | Batch)[] => [..._callbacks, ..._batchCallbacks]),
    (callback) => ('instrument' in callback ? observe(callback, now) : observeBatch(callback, now)),
  );
  return states.map((state) => {
    const metrics = state.metricStorageRegistry.getStorages(collector).flatMap((storage): readonly Collected[] => {
      try {
        const metric = storage.collect(collector, now);
        return metric === undefined ? [] : [{ storage, metric }];
      } catch {
        return []; // it costs the others nothing
      }
    });
    return { scope: state._instrumentationScope, metrics };
  });
}

function observe({ instrument, callback }: Single, now: HrTime): void {
  const { name, valueType } = instrument._descriptor;
  const result = new ObservableResultImpl(name, valueType);
  const record = (time: HrTime): void => instrument._metricStorages.forEach((storage) => storage.record(result._buffer, time));
  call(callback, result, now, record);
}

function observeBatch({ instruments, callback }: Batch, now: HrTime): void {
  const result = new BatchObservableResultImpl();
  call(callback, result, now, (time) => {
    for (const instrument of instruments) {
      const buffer = result._buffer.get(instrument as never);
      if (buffer !== undefined) instrument._metricStorages.forEach((storage) => storage.record(buffer, time));
    }
  });
}

function call(callback: (result: object) => unknown, result: object, now: HrTime, record: (time: HrTime) => void): void {
  try {
    const returned = callback(result);
    if (typeof (returned as PromiseLike<unknown> | null)?.then === 'function') (returned as Promise<unknown>).then(() => record(hrTime())).catch(() => {});
    else record(now);
  } catch {
    // The application's callback: its points are missing, as the specification has it.
  }
}

function hrTime(): HrTime {
  const ms = Date.now();
  return [Math.floor(ms / 1000), (ms % 1000) * 1e6];
}
