import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExitCode, UserError } from '../../src/errors.ts';
import { findCommand } from '../../src/launch/find-command.ts';

let dir: string;
const file = (name: string, content: string, mode = 0o755): void => {
  writeFileSync(join(dir, name), content);
  chmodSync(join(dir, name), mode);
};

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'otel-run-find-'));
  for (const name of ['bin', 'bin/folder', 'app', 'empty']) mkdirSync(join(dir, name));
  file('bin/tool', '#!/usr/bin/env node\n');
  file('bin/script', '#!/bin/sh\n');
  file('bin/plain', 'text', 0o644);
  file('app/server.js', '', 0o644);
  file('app/cli.js', '#!/usr/bin/env tsx\n');
  file('app/run.sh', '#!/bin/sh\n');
  file('app/node', '\x7fELF');
  symlinkSync('loop', join(dir, 'app/loop'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const find = (words: [string, ...string[]], path = 'bin') =>
  findCommand(words, { cwd: join(dir, 'app'), path: path === '' ? '' : join(dir, path), ownNode: '/own/node' });

describe('findCommand', () => {
  it.each<[words: [string, ...string[]], file: string, args: string[], isNode: boolean, path?: string]>([
    [['tool', 'a', '--b'], 'bin/tool', ['a', '--b'], true],
    [['script', '--'], 'bin/script', ['--'], false],
    [['./run.sh'], 'app/run.sh', [], false],
    [['../bin/tool'], 'bin/tool', [], true],
    [['run.sh'], 'app/run.sh', [], false, 'app'],
    [['run.sh'], 'app/run.sh', [], false, ''], // an empty entry of PATH is the working directory
    [['node', 'x'], 'app/node', ['x'], true, 'app'],
    [['server.js', 'x'], 'app/node', ['server.js', 'x'], true, 'app'],
    [['./server.js'], 'app/node', ['./server.js'], true, 'app'],
    [['cli.js'], 'app/node', ['cli.js'], true, 'app'],
    [['./cli.js'], 'app/cli.js', [], false, 'app'],
    [['node', 'x'], '/own/node', ['x'], true],
    [['server.js'], '/own/node', ['server.js'], true],
  ])('%j', (words, found, args, isNode, path) => {
    expect(find(words, path)).toMatchObject({ file: found.startsWith('/') ? found : join(dir, found), args, isNode });
  });

  it.each<[name: string, exitCode: number, message: RegExp]>([
    ['absent', ExitCode.notFound, /^absent: command not found$/],
    ['missing.js', ExitCode.notFound, /not found/],
    ['./absent', ExitCode.notFound, /not found/],
    ['./run.sh/x', ExitCode.notFound, /not found/],
    ['./loop', ExitCode.notFound, /not found/],
    ['x'.repeat(5000), ExitCode.notFound, /not found/],
    ['folder', ExitCode.notFound, /not found/],
    ['plain', ExitCode.notExecutable, /^plain: permission denied \(.*\/bin\/plain\)$/],
    ['../bin/folder', ExitCode.notExecutable, /is a directory/],
    ['', ExitCode.notFound, /empty/],
  ])('%j fails with %i', (name, exitCode, message) => {
    const failure = (() => {
      try {
        return find([name]);
      } catch (error) {
        return error;
      }
    })();
    expect(failure).toBeInstanceOf(UserError);
    expect(failure).toMatchObject({ exitCode, message: expect.stringMatching(message) });
  });
});
