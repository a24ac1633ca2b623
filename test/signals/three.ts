/** The application that makes all three signals, numbered, and what of them a receiver misses. */
import { fileURLToPath } from 'node:url';
import type { SignalName } from '../../src/plan/types.ts';
import type { Place } from '../export/runs.ts';
import { logsOf, pointsOf } from '../harness/otlp-signals.ts';
import type { Receiver } from '../harness/receiver.ts';

export const threeScript = fileURLToPath(new URL('../fixtures/signals/three.cjs', import.meta.url));
export const threeSignals: readonly SignalName[] = ['traces', 'metrics', 'logs'];
/** With the application's own metrics alone: nothing of ours is among the points. */
export const onlyOwn = { OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'none' };

/** Numbers of 1..`last` of which the signal has brought nothing; `undefined`: what carries no number. */
export function missingOf({ requests, spans }: Pick<Receiver, 'requests' | 'spans'>, signal: SignalName, last: number): number[] {
  const items = signal === 'traces' ? spans : signal === 'logs' ? logsOf(requests) : pointsOf(requests).filter(({ name }) => name === 'test.three');
  const seen = new Set(items.map(({ attributes }) => attributes['test.n']));
  return Array.from({ length: last }, (_, at) => at + 1).filter((n) => !seen.has(n));
}

/** How many items of a signal are kept. */
export function keptOf(place: Place, signal: SignalName): number {
  return place.kept().reduce((sum, name) => sum + (name.includes(`-${signal}-`) ? Number(/-(\d+)-[0-9a-f]+\.otlp/.exec(name)![1]) : 0), 0);
}
