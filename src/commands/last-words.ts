import { readFileSync, rmSync } from 'node:fs';
import { lastWordsFile } from '../plan/state-dir.ts';
import type { ExporterPlan } from '../plan/types.ts';

/** What an earlier run with the same destination had left to say, once; null where there is nothing. */
export function takeLastWords({ stateDir, destinations }: ExporterPlan): string | null {
  const main = destinations.find(({ kind }) => kind === 'otlp');
  if (stateDir === null || main?.kind !== 'otlp') return null;
  try {
    const file = lastWordsFile(stateDir, main.url);
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    rmSync(file, { force: true });
    return `an earlier run ended with ${lines.at(-1)}${lines.length > 1 ? ` (and ${lines.length - 1} more such runs)` : ''}`;
  } catch {
    return null;
  }
}
