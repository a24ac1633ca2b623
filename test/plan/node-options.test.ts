import { describe, expect, it } from 'vitest';
import { mergeNodeOptions, preloads, splitNodeOptions } from '../../src/plan/node-options.ts';

describe('mergeNodeOptions', () => {
  it.each<[name: string, existing: string | undefined, preload: string, merged: string]>([
    ['nothing there', undefined, '/a/r.js', '--require /a/r.js'],
    ['empty', '  ', '/a/r.js', '--require /a/r.js'],
    ['in front of what is there', '--max-old-space-size=99', '/a/r.js', '--require /a/r.js --max-old-space-size=99'],
    ['what is there stays byte for byte', '  -r  "x  y" ', '/a/r.js', '--require /a/r.js   -r  "x  y" '],
    ['a space', undefined, '/a b/r.js', '--require "/a b/r.js"'],
    ['a quote', undefined, '/a"b/r.js', '--require "/a\\"b/r.js"'],
    ['a backslash needs no quotes', undefined, 'C:\\a\\r.js', '--require C:\\a\\r.js'],
    ['a backslash within quotes', undefined, 'C:\\a b\\r.js', '--require "C:\\\\a b\\\\r.js"'],
    ['named already', '--require /a/r.js --inspect', '/a/r.js', '--require /a/r.js --inspect'],
    ['named already, short', '-r /a/r.js', '/a/r.js', '-r /a/r.js'],
    ['named already, with =', '--require=/a/r.js', '/a/r.js', '--require=/a/r.js'],
    ['named already, quoted', '--require "/a b/r.js"', '/a b/r.js', '--require "/a b/r.js"'],
    ['a longer path is another one', '--require /a/r.json', '/a/r.js', '--require /a/r.js --require /a/r.json'],
    ['--import of it is not --require', '--import /a/r.js', '/a/r.js', '--require /a/r.js --import /a/r.js'],
  ])('%s', (_, existing, preload, merged) => {
    expect(mergeNodeOptions(existing, preload)).toBe(merged);
  });

  it.each(['/plain', '/with space', '/with"quote', '/with\\backslash', '/all three: \\ "', "/it's", '/tab\there', '/\\\\"', '/ünï/日本'])(
    'Node reads back %j',
    (path) => {
      expect(preloads(mergeNodeOptions('--trace-warnings', path))).toEqual([path]);
    },
  );
});

describe('splitNodeOptions', () => {
  it.each<[text: string, words: string[]]>([
    ['', []],
    ['  a   b ', ['a', 'b']],
    ['"a b"c d', ['a bc', 'd']],
    ['a"b c"', ['ab c']],
    ['"a\\"b"', ['a"b']],
    ['a\\b', ['a\\b']],
  ])('%j', (text, words) => {
    expect(splitNodeOptions(text)).toEqual(words);
  });
});
