/** When the meter's points are handed over: once a second what has changed, and everything when the process ends. */
import type { MeterProvider } from '@opentelemetry/api';
import type { AgentPlan } from '../../plan/types.ts';
import { Signal } from '../../spool/frame.ts';
import { createMetricEncoder } from '../encode/metric.ts';
import type { HandOff } from '../hand-off/hand-off.ts';
import type { Scopes } from '../hand-off/scopes.ts';
import { loadPart } from '../instrumentation/chunk.ts';
import type { Redactor } from '../redact/redact.ts';

export interface Metering {
  readonly provider: MeterProvider;
  /** Hands over what has changed, `all`: every series. */
  snapshot(all: boolean): void;
  /** Somebody else measures from now on. */
  turnOff(): void;
}

const EVERY_MS = 1000;
/** So often everything is told: an exporter that was started again has nothing from before. */
const ALL_EVERY_MS = 60_000;
/** The share of a processor that snapshots may take; for the application's callbacks see `createCallbackTurns`. */
const SHARE = 0.05;

// Taken before the application can replace them.
const { setTimeout: later } = globalThis;
const now = performance.now.bind(performance);

export function startMetering(plan: NonNullable<AgentPlan['metrics']>, handOff: HandOff, scopes: Scopes, redactor: Redactor): Metering {
  const { createMeter } = loadPart<typeof import('./meter.ts')>('meter');
  const encode = createMetricEncoder(redactor);
  const meter = createMeter(plan, redactor, (scope, metric, point, exemplars) => handOff.append(Signal.metrics, scopes.numberOf(scope), encode(metric, point, exemplars)));
  let isOff = false;
  let toldAllAt = now();

  const snapshot = (all: boolean, asked: 'all' | 'due'): number => {
    if (isOff) return 0;
    try {
      return meter.snapshot(all, asked);
    } catch {
      return 0; // the series are told the next time
    }
  };
  const arm = (ms: number): void => void later(tick, ms).unref();
  const tick = (): void => {
    if (isOff) return;
    const began = now();
    const all = began - toldAllAt >= ALL_EVERY_MS;
    if (all) toldAllAt = began;
    const spent = snapshot(all, 'due');
    arm(Math.max(EVERY_MS, (now() - began - spent) / SHARE));
  };
  arm(EVERY_MS);
  return {
    provider: meter.provider,
    snapshot: (all) => void snapshot(all, 'all'),
    turnOff() {
      isOff = true;
    },
  };
}
