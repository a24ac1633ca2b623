import { expect, test } from 'vitest';
import { wantsColour } from '../../src/view/paint.ts';
import { age, displayWidth, duration, fit, oneLine } from '../../src/view/words.ts';

test.each<[number | bigint, string]>([
  [0, '0 µs'],
  [850_400, '850 µs'],
  [999_600, '1.0 ms'],
  [3_140_000, '3.1 ms'],
  [9_960_000, '10 ms'],
  [999_400_000, '999 ms'],
  [999_600_000, '1.00 s'],
  [12_340_000_000, '12.3 s'],
  [59_960_000_000, '1 m 00 s'],
  [123_000_000_000, '2 m 03 s'],
  [7_380_000_000_000, '2 h 03 m'],
  [-1, '?'],
])('%s ns are %s', (nanoseconds, words) => expect(duration(BigInt(nanoseconds))).toBe(words));

test.each<[number, string]>([
  [200, 'now'],
  [12_000, '12 s ago'],
  [300_000, '5 min ago'],
  [3 * 3_600_000, '3 h ago'],
  [72 * 3_600_000, '3 days ago'],
])('%s ms are %s', (milliseconds, words) => expect(age(milliseconds)).toBe(words));

test.each<[string, string]>([
  ['plain', 'plain'],
  ['  a \n\t b  ', 'a b'],
  ['\x1b[31mred', '\\x1b[31mred'],
  ['\u202eback', '\\u{202e}back'],
  ['grün 世界 🧨', 'grün 世界 🧨'],
])('oneLine(%j) is %j', (text, expected) => expect(oneLine(text)).toBe(expected));

test.each<[string, number, string, number]>([
  ['short', 10, 'short', 5],
  ['exactly', 7, 'exactly', 7],
  ['too long', 5, 'too …', 5],
  ['世界世界', 5, '世界…', 5],
  ['世界世界', 4, '世…', 3],
  ['e\u0301e\u0301e\u0301', 3, 'e\u0301e\u0301e\u0301', 3],
  ['x', 0, '', 0],
])('fit(%j, %d) is %j', (text, width, expected, columns) => {
  expect(fit(text, width)).toBe(expected);
  expect(displayWidth(expected)).toBe(columns);
});

test.each<[Record<string, string>, boolean, boolean]>([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: '1' }, true, false],
  [{ NO_COLOR: '' }, true, true],
  [{ FORCE_COLOR: '1' }, false, true],
  [{ FORCE_COLOR: '0' }, true, false],
  [{ FORCE_COLOR: '1', NO_COLOR: '1' }, false, true],
  [{ TERM: 'dumb' }, true, false],
])('colour with %j on a terminal %s: %s', (env, isTerminal, expected) => expect(wantsColour(env, isTerminal)).toBe(expected));
