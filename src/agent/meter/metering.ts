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
const ALL_EVERY = 60;
/** The share of a processor that the application's own callbacks may take for being asked every second. */
const SHARE = 0.01;

// Taken before the application can replace them.
const { setTimeout: later } = globalThis;
const now = performance.now.bind(performance);

export function startMetering(plan: NonNullable<AgentPlan['metrics']>, handOff: HandOff, scopes: Scopes, redactor: Redactor): Metering {
  const { createMeter } = loadPart<typeof import('./meter.ts')>('meter');
  const encode = createMetricEncoder(redactor);
  const meter = createMeter(plan, redactor, (scope, metric, point, exemplars) => handOff.append(Signal.metrics, scopes.numberOf(scope), encode(metric, point, exemplars)));
  let isOff = false;
  let turn = 0;

  const snapshot = (all: boolean): void => {
    if (isOff) return;
    try {
      meter.snapshot(all);
    } catch {
      // The series are told the next time.
    }
  };
  const arm = (ms: number): void => void later(tick, ms).unref();
  const tick = (): void => {
    if (isOff) return;
    const began = now();
    snapshot(++turn % ALL_EVERY === 0);
    arm(Math.max(EVERY_MS, (now() - began) / SHARE));
  };
  arm(EVERY_MS);
  return {
    provider: meter.provider,
    snapshot,
    turnOff() {
      isOff = true;
    },
  };
}
