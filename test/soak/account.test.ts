import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readAccount, saidLost } from './account.ts';

function journals(lines: readonly string[]): string {
  const dir = mkdtempSync(join(tmpdir(), 'journals-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, '3.100.0'), lines.map((line) => `${line}\n`).join(''));
  return dir;
}

const arrived = (...numbers: number[]): Map<string, number> => new Map(numbers.map((n) => [`3.100.0.${n}`, 1]));

test.each<[what: string, lines: string[], isViolent: boolean, missing: string[], excused: string[]]>([
  ['an end that nobody forced excuses nothing', ['S 1 2', 'T 2', 'S 3 4'], false, ['3.100.0.3', '3.100.0.4'], []],
  ['a kill excuses the turn in which it came', ['S 1 2', 'T 2', 'S 3 4'], true, [], ['3.100.0.3', '3.100.0.4']],
  ['and none before it', ['S 1 3', 'T 3', 'S 4 4'], true, ['3.100.0.3'], ['3.100.0.4']],
  ['an application may say that it ends in violence', ['S 1 2', 'T 2', 'S 3 3', 'V'], false, [], ['3.100.0.3']],
  ['more than is gathered before it is written is not excused', ['S 1 2', 'T 2', 'S 3 2000'], true, Array.from({ length: 1998 }, (_, i) => `3.100.0.${i + 3}`), []],
])('%s', (_, lines, isViolent, missing, excused) => {
  expect(readAccount(journals(lines), arrived(1, 2), () => isViolent)).toMatchObject({ missing, excused });
});

test.each([
  ['otel-run: http://h/v1/traces: HTTP 400; 6 spans lost', 6],
  ['otel-run: 1 span for http://h/v1/traces lost: HTTP 500; 12 spans for http://h/v1/traces kept for the next run', 1],
  ['otel-run: http://h: HTTP 400; 7 items that an earlier run had kept are lost', 7],
  ['otel-run: 3 items of a run whose exporter was killed are lost', 3],
  ['otel-run: 5 spans sent to http://h, 2 lost, nothing is left: HTTP 400', 2],
  ['otel-run: 2 earlier runs ended with 4 spans for http://h/v1/traces lost: HTTP 400', 4],
  ['otel-run: process 7 could not hand over 50 spans (spool: ENOENT): they are lost', 50],
])('%s', (line, lost) => {
  expect(saidLost(line)).toBe(lost);
});
