import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync } from 'node:fs';

/** What earlier runs with the same backend had left to say, once and in one line; null where there is nothing. */
export function takeLastWords(file: string | null): string | null {
  if (file === null) return null;
  // Taken away first: another exporter may be adding its own just now, another run may want to say the same.
  const taken = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    renameSync(file, taken);
    const lines = readFileSync(taken, 'utf8').trim().split('\n');
    rmSync(taken, { force: true });
    return `${lines.length === 1 ? 'an earlier run' : `${lines.length} earlier runs`} ended with ${addUp(lines)}`;
  } catch {
    return null;
  }
}

/** `3 spans for … lost: …; 4 spans for … lost: …` of several runs: what says the same but for its number is said with the sum. */
function addUp(lines: readonly string[]): string {
  const sums = new Map<string, { count: number; text: string }>();
  for (const part of lines.flatMap((line) => line.split('; '))) {
    const [, number, rest] = /^(\d+) (.*)$/.exec(part) ?? [undefined, '', part];
    // One span and three spans are of one kind.
    const kind = rest!.replace(/^(span|metric point|log record) /, '$1s ');
    const count = Number(number) + (sums.get(kind)?.count ?? 0);
    sums.set(kind, { count, text: sums.has(kind) && count > 0 ? `${count} ${kind}` : part });
  }
  return [...sums.values()].map(({ text }) => text).join('; ');
}
