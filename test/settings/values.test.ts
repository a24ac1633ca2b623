import { expect, test } from 'vitest';
import { countEdits, findNearest } from '../../src/settings/nearest.ts';
import { parsePairs } from '../../src/settings/pairs.ts';
import { substitute } from '../../src/settings/substitute.ts';
import type { Setting } from '../../src/settings/table.ts';
import { parseList, parseText, type ListSetting, type TextSetting } from '../../src/settings/values.ts';

const common = { group: 'Running', shown: 'value', env: [], help: '', default: null } as const;
const types: Record<string, Setting> = {
  boolean: { ...common, type: 'boolean' },
  integer: { ...common, type: 'integer', min: 1 },
  duration: { ...common, type: 'duration' },
  ratio: { ...common, type: 'ratio' },
  bytes: { ...common, type: 'bytes', min: 1024 },
  enum: { ...common, type: 'enum', values: ['gzip', 'none'] },
};

test.each([
  ['boolean', 'true', true],
  ['boolean', 'TRUE', true],
  ['boolean', 'false', false],
  ['integer', '1', 1],
  ['integer', '007', 7],
  ['duration', '0', 0],
  ['duration', '10000', 10_000],
  ['duration', '99999999999', 2 ** 31 - 1],
  ['ratio', '0', 0],
  ['ratio', '1', 1],
  ['ratio', '.25', 0.25],
  ['ratio', '1e-3', 0.001],
  ['bytes', '65536', 65_536],
  ['bytes', '64MiB', 67_108_864],
  ['bytes', '2 k', 2048],
  ['enum', 'GZIP', 'gzip'],
])('%s %j is %j', (type, text, value) => {
  expect(parseText(types[type] as TextSetting, text)).toEqual({ value });
});

test.each([
  ['integer', '0', "'0' is no whole number from 1", null],
  ['integer', '1.5', "'1.5' is no whole number from 1", null],
  ['integer', '0x10', "'0x10' is no whole number from 1", null],
  ['duration', '-1', "'-1' is no whole number of milliseconds", null],
  ['duration', '10s', "'10s' is no whole number of milliseconds", 'write 10000'],
  ['duration', '1.5m', "'1.5m' is no whole number of milliseconds", 'write 90000'],
  ['ratio', '1.1', "'1.1' is no number from 0 to 1", null],
  ['ratio', '10%', "'10%' is no number from 0 to 1", '10 % is 0.1'],
  ['ratio', '25', "'25' is no number from 0 to 1", '25 % is 0.25'],
  ['ratio', 'half', "'half' is no number from 0 to 1", null],
  ['bytes', '12', "'12' is no number of bytes from 1024", 'for instance 64MiB'],
  ['enum', 'gzp', "'gzp' is not known", "did you mean 'gzip'?"],
  ['enum', 'brotli', "'brotli' is not known", 'one of gzip, none'],
])('%s %j is wrong', (type, text, wrong, hint) => {
  expect(parseText(types[type] as TextSetting, text)).toEqual({ wrong, hint });
});

test.each([
  ['yes', false, false],
  ['1', false, false],
  ['1', true, true],
  ['0', true, false],
])('boolean %j, in a variable of ours %j, is %j', (text, ours, value) => {
  expect(parseText(types.boolean as TextSetting, text, ours).value).toBe(value);
});

const words: ListSetting = { ...common, type: 'list', values: ['http', 'pg'], none: true, all: true, prefix: '@otel/' };
test.each([
  [['http', ' pg '], ['http', 'pg'], 0],
  [['PG', 'pg'], ['pg'], 0],
  [['@otel/pg'], ['pg'], 0],
  [['none'], [], 0],
  [['none', 'pg'], [], 1],
  [['all'], null, 0],
  [['pgg', 'http', ''], ['http'], 1],
] as const)('list %j is %j', (given, value, faults) => {
  const parsed = parseList(words, given);
  expect([parsed.value, parsed.faults.length]).toEqual([value, faults]);
});

test.each([
  ['a=1,b=2', [['a', '1'], ['b', '2']], []],
  [' a = 1 , b=2 ', [['a', '1'], ['b', '2']], []],
  ['a=b=c', [['a', 'b=c']], []],
  ['a=x%2Cy%20z', [['a', 'x,y z']], []],
  ['a%20b=1', [['a b', '1']], []],
  ['a=', [['a', '']], []],
  ['a=1,,b', [['a', '1']], ['b']],
  ['=1', [], ['=1']],
])('pairs %j', (text, pairs, wrong) => {
  const parsed = parsePairs(text);
  expect([parsed.pairs.map(({ key, value }) => [key, value]), parsed.wrong]).toEqual([pairs, wrong]);
});

test.each([
  ['${A}', 'one'],
  ['${env:A}', 'one'],
  ['<${A}|${A}>', '<one|one>'],
  ['${B:-two}', 'two'],
  ['${EMPTY:-two}', 'two'],
  ['${B:-}', ''],
  ['${B:-a:-b}', 'a:-b'],
  ['$${A}', '${A}'],
  ['$$$A', '$$A'],
  ['$A $', '$A $'],
  ['${NESTED}', '${A}'],
  ['${B}', ''],
])('%j becomes %j', (text, result) => {
  expect(substitute(text, { A: 'one', EMPTY: '', NESTED: '${A}' }).text).toBe(result);
});

test('what opens and never closes takes no time', () => {
  const text = '${'.repeat(200_000);
  const started = performance.now();
  expect(substitute(text, {}).text).toBe(text);
  expect(performance.now() - started).toBeLessThan(20_000);
});

test('a reference that is none, and one that is not set, are named', () => {
  expect(substitute('${A-B} ${1X} ${C} ${D:-}', {})).toEqual({ text: '${A-B} ${1X}  ', names: ['C', 'D'], unset: ['C'], wrong: '${A-B}' });
});

test.each([
  ['abc', 'abc', 0],
  ['abc', 'acb', 1],
  ['abc', 'ab', 1],
  ['abc', 'abxc', 1],
  ['abc', 'xyz', 3],
  ['', 'ab', 2],
])('%j to %j takes %j edits', (a, b, edits) => {
  expect(countEdits(a, b)).toBe(edits);
});

test('the nearest word is within two letters, or there is none', () => {
  expect(findNearest('alwayson', ['always_off', 'always_on'])).toBe('always_on');
  expect(findNearest('jaeger', ['otlp', 'console'])).toBeNull();
});
