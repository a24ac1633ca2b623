/** Test runners: what tests do is traced, wherever the runner has put them, and no result is changed. */
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { nodes } from '../harness/nodes.ts';
import { makeProject, openStage, toolModules } from './play.ts';

beforeAll(() => ensureApps(['tools']), 300_000);

const newest = nodes.node26 ?? process.execPath;
const oldest = nodes.node20min ?? newest;
const rootModules = fileURLToPath(new URL('../../node_modules', import.meta.url));

/** A test that asks a server of its own, and says where it ran. */
const asks = (name: string): string => `
  test('${name}', async () => {
    const server = http.createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    await new Promise((resolve) => http.get({ port: server.address().port, path: '/${name}', agent: false }, (response) => response.resume().on('end', resolve)));
    await new Promise((resolve) => server.close(resolve));
  });
`;
const files = (head: string, extension: string) => Object.fromEntries(['one', 'two', 'three'].map((name) => [`${name}.${extension}`, head + asks(name)]));

const jest = makeProject({ 'package.json': { name: 'tested' }, ...files("const http = require('node:http');", 'test.js') });
const vitest = makeProject({ 'package.json': { name: 'tested' }, ...files("import http from 'node:http'; import { test } from 'vitest';", 'test.mjs') }, { modules: rootModules });
const own = makeProject({ 'package.json': { name: 'tested' }, ...files("import http from 'node:http'; import test from 'node:test';", 'test.mjs') });
const jestBin = join(toolModules, 'jest/bin/jest.js');
const vitestBin = join(rootModules, 'vitest/vitest.mjs');

test.each<[name: string, node: string, cwd: string, words: string[]]>([
  ['node --test', newest, own, ['node', '--test']],
  ['node --test, oldest Node', oldest, own, ['node', '--test']],
  ['node --test in one process', newest, own, ['node', '--test', '--test-isolation=none']],
  ['jest in processes', newest, jest, ['node', jestBin, '--watchman=false', '-w', '2']],
  ['jest in threads', newest, jest, ['node', jestBin, '--watchman=false', '-w', '2', '--workerThreads']],
  ['jest in one process, oldest Node', oldest, jest, ['node', jestBin, '--watchman=false', '--runInBand']],
  ['vitest in processes', newest, vitest, ['node', vitestBin, 'run', '--pool', 'forks', '--maxWorkers', '2']],
  ['vitest in threads', newest, vitest, ['node', vitestBin, 'run', '--pool', 'threads', '--maxWorkers', '2']],
  ['vitest in contexts of their own', newest, vitest, ['node', vitestBin, 'run', '--pool', 'vmThreads', '--maxWorkers', '2']],
])('%s', { timeout: 60_000 }, async (name, node, cwd, words) => {
  const stage = await openStage({ node, cwd, env: { PATH: [dirname(node), process.env.PATH].join(delimiter), NODE_OPTIONS: undefined, NO_COLOR: '1' }, timeoutMs: 50_000 });
  try {
    const { stdout, stderr, exitCode } = await stage.start(words).ended;
    expect({ exitCode, passed: /\b3 passed\b|pass 3\b/.test(stdout + stderr), words: (stdout + stderr).match(/^otel-run:.*/gm) }).toEqual({ exitCode: 0, passed: true, words: null });
    await stage.receiver.waitForSpans(6);
    const asked = stage.receiver.spans.map(({ kind, attributes }) => `${kind} ${String(attributes['url.path'] ?? new URL(String(attributes['url.full'])).pathname)}`).sort();
    expect(asked).toEqual(['client /one', 'client /three', 'client /two', 'server /one', 'server /three', 'server /two']);
    expect(new Set(stage.receiver.spans.map(({ traceId }) => traceId)).size).toBe(3);
    expect([...new Set(stage.receiver.spans.map(({ resource }) => resource['service.name']))]).toEqual(['tested']);
  } finally {
    await stage.receiver.close();
  }
});
