import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { INSTRUMENTATION_NAMES } from '../../src/settings/instrumentation-names.ts';
import { entryKind } from '../../src/agent/instrumentation/entry-kind.ts';
import { locateInPackage } from '../../src/agent/instrumentation/locate.ts';
import { redisStatement } from '../../src/agent/instrumentation/redis-statement.ts';
import { instrumentationTable } from '../../src/agent/instrumentation/table.ts';

const scratch = mkdtempSync(join(tmpdir(), 'otel-run-instrumentation-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('the package of a file', () => {
  it.each([
    ['/app/node_modules/express/lib/router/index.js', { name: 'express', baseDir: '/app/node_modules/express', path: 'lib/router/index.js' }],
    ['/app/node_modules/@redis/client/dist/index.js', { name: '@redis/client', baseDir: '/app/node_modules/@redis/client', path: 'dist/index.js' }],
    ['/a/node_modules/.pnpm/pg@8/node_modules/pg/lib/client.js', { name: 'pg', baseDir: '/a/node_modules/.pnpm/pg@8/node_modules/pg', path: 'lib/client.js' }],
    ['/app/node_modules/a/node_modules/b/c.js', { name: 'b', baseDir: '/app/node_modules/a/node_modules/b', path: 'c.js' }],
    ['/app/server.js', undefined],
    ['/app/node_modules/loose.js', undefined],
    ['/app/node_modules/@scope/loose.js', undefined],
  ])('%s', (file, expected) => expect(locateInPackage(file)).toEqual(expected));
});

describe('what a process starts with', () => {
  it.each([
    ['/app/a.mjs', [], '', 'esm'],
    ['/app/a.cjs', [], '', 'commonjs'],
    ['/app/a.mts', [], '', 'esm'],
    ['/app/a.cjs', ['--import', './setup.mjs'], '', 'esm'],
    ['/app/a.cjs', [], '--require ./x.cjs --import=./setup.mjs', 'esm'],
    [undefined, ['--input-type=module', '--eval', '0'], '', 'esm'],
    [undefined, ['--eval', '0'], '', 'unknown'],
    ['package: module/src/a.js', [], '', 'esm'],
    ['package: commonjs/src/a.js', [], '', 'commonjs'],
    ['package: none/src/a.js', [], '', 'unknown'],
  ] as const)('%s %j %s', (script, execArgv, nodeOptions, expected) => {
    const file = script?.startsWith('package: ') ? makePackage(script.slice('package: '.length)) : script;
    expect(entryKind(file === undefined ? ['node'] : ['node', file], execArgv, nodeOptions)).toBe(expected);
  });
});

describe('a Redis command is told by its name and number of keys', () => {
  it.each([
    ['get', ['secret'], 'GET [1 key]'],
    ['SET', ['k', 'v', 'EX', '10'], 'SET [1 key]'],
    ['del', ['a', 'b', 'c'], 'DEL [3 keys]'],
    ['mset', ['a', '1', 'b', '2'], 'MSET [2 keys]'],
    ['MSET', [{ a: '1', b: '2', c: '3' }], 'MSET [3 keys]'],
    ['BLPOP', ['a', 'b', '0'], 'BLPOP [2 keys]'],
    ['EVAL', ['return 1', '2', 'a', 'b', 'x'], 'EVAL [2 keys]'],
    ['ZUNIONSTORE', ['out', '2', 'a', 'b'], 'ZUNIONSTORE [3 keys]'],
    ['XREAD', ['COUNT', '1', 'STREAMS', 'a', 'b', '0', '0'], 'XREAD [2 keys]'],
    ['rename', ['a', 'b'], 'RENAME [2 keys]'],
    ['AUTH', ['user', 'password'], 'AUTH'],
    ['PING', [], 'PING'],
    ['PUBLISH', ['channel', 'message'], 'PUBLISH'],
    ['CONFIG', ['SET', 'requirepass', 'x'], 'CONFIG'],
    ['EVAL', ['return 1', 'no number'], 'EVAL [1 key]'],
    ['PING', undefined, 'PING'],
  ])('%s %j', (command, args, expected) => expect(redisStatement(command, args)).toBe(expected));
});

it('has the names that settings know', () => {
  expect(instrumentationTable.map(({ name }) => name).sort()).toEqual([...INSTRUMENTATION_NAMES].sort());
});

/** `<type>/<file>` in a package of that type. */
function makePackage(path: string): string {
  const file = join(scratch, path);
  const [type = ''] = path.split('/');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(join(scratch, type, 'package.json'), JSON.stringify(type === 'none' ? { name: type } : { name: type, type }));
  writeFileSync(file, '');
  return file;
}
