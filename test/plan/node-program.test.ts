import { describe, expect, it } from 'vitest';
import { interpreterOf, isNodeProgram, isScriptName } from '../../src/plan/node-program.ts';

describe('isNodeProgram', () => {
  it.each<[file: string, head: string, isNode: boolean]>([
    ['/usr/bin/node', '\x7fELF', true],
    ['/usr/bin/nodejs', '\x7fELF', true],
    ['/opt/node-24', '\x7fELF', true],
    ['/opt/node22.15', '\x7fELF', true],
    ['C:\\node\\node.exe', 'MZ', true],
    ['/usr/bin/nodemon-native', '\x7fELF', false],
    ['/usr/bin/python3', '\x7fELF', false],
    ['/usr/bin/npm', '#!/usr/bin/env node\nrequire', true],
    ['/app/x', '#!/opt/my/bin/node --expose-gc\n', true],
    ['/app/x', '#! /usr/bin/env -S node --expose-gc\n', true],
    ['/app/x', '#!/usr/bin/env -S A=1 node\n', true],
    ['/app/x', '#!/bin/sh\nexec node x', false],
    ['/shims/node', '#!/usr/bin/env bash\nexec asdf', false],
    ['/app/node_modules/.bin/tsx', '#!/usr/bin/env node', true],
    ['/app/x', '#!/usr/bin/env bun\n', false],
    ['/app/x', '', false],
  ])('%s %j: %s', (file, head, isNode) => {
    expect(isNodeProgram(file, head)).toBe(isNode);
  });
});

describe('interpreterOf', () => {
  it.each<[head: string, interpreter: string | null]>([
    ['\x7fELF', null],
    ['#!/bin/sh -e\n', '/bin/sh'],
    ['#!/usr/bin/env\n', '/usr/bin/env'],
    ['#!', ''],
  ])('%j', (head, interpreter) => {
    expect(interpreterOf(head)).toBe(interpreter);
  });
});

describe('isScriptName', () => {
  it('knows what Node runs', () => {
    const names = ['a.js', 'a.mjs', 'a.cjs', 'a.ts', 'a.mts', 'a.cts', './b/a.js', 'a.jsx', 'a.json', 'js', 'a.d', '.js.'];
    expect(names.filter(isScriptName)).toEqual(['a.js', 'a.mjs', 'a.cjs', 'a.ts', 'a.mts', 'a.cts', './b/a.js']);
  });
});
