import type { SignalName } from '../plan/types.ts';

const nouns: Readonly<Record<SignalName, readonly [one: string, many: string]>> = {
  traces: ['span', 'spans'],
  metrics: ['metric point', 'metric points'],
  logs: ['log record', 'log records'],
};

/** `1 span`, `3 log records`. */
export function inWords(count: number, signal: SignalName): string {
  return `${count} ${nouns[signal][count === 1 ? 0 : 1]}`;
}
