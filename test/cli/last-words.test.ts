import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { takeLastWords } from '../../src/commands/last-words.ts';

test.each<[lines: string[], said: string]>([
  [['1 span for http://h lost: HTTP 400'], 'an earlier run ended with 1 span for http://h lost: HTTP 400'],
  [['1 span for http://h lost: HTTP 400', '2 spans for http://h lost: HTTP 400', '4 spans for http://h kept'], '3 earlier runs ended with 3 spans for http://h lost: HTTP 400; 4 spans for http://h kept'],
  [['2 spans for http://h kept: no answer; 1 span for http://h lost: HTTP 400', '3 spans for http://h kept: no answer'], '2 earlier runs ended with 5 spans for http://h kept: no answer; 1 span for http://h lost: HTTP 400'],
  [['http://h: HTTP 400; 2 items that an earlier run had kept are lost', 'http://h: HTTP 400; 3 items that an earlier run had kept are lost'], '2 earlier runs ended with http://h: HTTP 400; 5 items that an earlier run had kept are lost'],
])('what earlier runs had to say is said once, added up: %j', (lines, said) => {
  const dir = mkdtempSync(join(tmpdir(), 'last-words-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'words');
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  expect(takeLastWords([join(dir, 'absent'), file])).toBe(said);
  expect([existsSync(file), takeLastWords([file])]).toEqual([false, null]);
});
