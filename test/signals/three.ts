/** The application that makes all three signals, numbered, and what of them a receiver misses. */
import { fileURLToPath } from 'node:url';
import type { SignalName } from '../../src/plan/types.ts';
import type { Place } from '../export/runs.ts';
import { logsOf, pointsOf } from '../harness/otlp-signals.ts';
import type { Receiver } from '../harness/receiver.ts';

export const threeScript = fileURLToPath(new URL('../fixtures/signals/three.cjs', import.meta.url));
export const threeSignals: readonly SignalName[] = ['traces', 'metrics', 'logs'];
/** Nothing is traced but what the script makes, and a busy machine has the time to find out what a backend says. */
export const threeEnv = { OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'none', OTEL_RUN_DRAIN_UNREACHED: '15000' };

/** Numbers of 1..`last` of which the signal has brought nothing. */
export function missingOf({ requests, spans }: Pick<Receiver, 'requests' | 'spans'>, signal: SignalName, last: number): number[] {
  const items = signal === 'traces' ? spans : signal === 'logs' ? logsOf(requests) : pointsOf(requests).filter(({ name }) => name === 'test.three');
  const seen = new Set(items.map(({ attributes }) => attributes['test.n']));
  return Array.from({ length: last }, (_, at) => at + 1).filter((n) => !seen.has(n));
}

/** How many items of a signal are kept. */
export function keptOf(place: Place, signal: SignalName): number {
  return place.kept().reduce((sum, name) => sum + (name.includes(`-${signal}-`) ? Number(/-(\d+)-[0-9a-f]+\.otlp/.exec(name)![1]) : 0), 0);
}
