import { randomBytes } from 'node:crypto';
import { renameSync, rmSync } from 'node:fs';
import { readPlainFile } from '../spool/plain-file.ts';
import { oneLine } from '../view/words.ts';

const MOST_BYTES = 64 * 1024;

/** What earlier runs with the same backend had left to say, once and in one line; null where there is nothing. */
export function takeLastWords(files: readonly string[]): string | null {
  const lines = files.flatMap(takeLines);
  return lines.length === 0 ? null : `${lines.length === 1 ? 'an earlier run' : `${lines.length} earlier runs`} ended with ${oneLine(addUp(lines))}`;
}

function takeLines(file: string): string[] {
  // Taken away first: another exporter may be adding its own just now, another run may want to say the same.
  const taken = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    renameSync(file, taken);
    return readPlainFile(taken, { most: MOST_BYTES, isHeadEnough: true, isOurs: true }).toString('utf8').trim().split('\n');
  } catch {
    return [];
  } finally {
    discard(taken);
  }
}

function discard(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Somebody's directory.
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
