import { readFileSync, rmSync } from 'node:fs';

/** What an earlier run with the same backend had left to say, once; null where there is nothing. */
export function takeLastWords(file: string | null): string | null {
  if (file === null) return null;
  try {
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    rmSync(file, { force: true });
    return `an earlier run ended with ${lines.at(-1)}${lines.length > 1 ? ` (and ${lines.length - 1} more such runs)` : ''}`;
  } catch {
    return null;
  }
}
