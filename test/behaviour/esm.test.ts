/** The ways in which an application comes to CommonJS and ES modules: Express is traced in each. */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { nodes } from '../harness/nodes.ts';
import { plainNode } from '../harness/run.ts';
import { runTraced } from '../harness/traced.ts';

const apps = fileURLToPath(new URL('../apps/', import.meta.url));
beforeAll(() => ensureApps(['express5', 'main']), 300_000);

const tsx = 'main/node_modules/tsx/dist/cli.mjs';
const lines = Object.keys(nodes);
/** Lines that have module.registerHooks; its first releases bypass the CommonJS loader (https://github.com/nodejs/node/pull/59929). */
const withSyncHooks = lines.filter((name) => !name.startsWith('node20') && name !== 'node22min');
const withRequireOfEsm = lines.filter((name) => name !== 'node20min' && name !== 'node20');
/** On the others tsx itself fails to run this program, without us. */
const withTsxOfCommonJs = lines.filter((name) => ['node22', 'node24', 'node26'].includes(name));
const withTypes = lines.filter((name) => ['node24', 'node26'].includes(name));

const ways = [
  { name: 'an ES module told by its syntax', args: ['express5/typeless.js'], on: lines },
  { name: 'import() from CommonJS', args: ['express5/dynamic.cjs'], on: lines },
  { name: 'require() of an ES module', args: ['express5/requires-esm.cjs'], on: withRequireOfEsm },
  { name: 'TypeScript of Node, ES module', args: ['express5/server.mts'], on: withTypes },
  { name: 'tsx, ES module', args: [tsx, 'express5/server.mts'], on: lines },
  { name: 'tsx, CommonJS', args: [tsx, 'express5/server.cts'], on: withTsxOfCommonJs },
  { name: 'synchronous hooks of its own', args: ['--import', './express5/hooks-sync.mjs', 'express5/server.mjs'], on: withSyncHooks },
  { name: 'asynchronous hooks of its own', args: ['--import', './express5/hooks-async.mjs', 'express5/server.mjs'], on: lines },
  { name: 'a worker thread', args: ['express5/worker.mjs'], on: lines },
];

describe.each(ways)('$name', ({ args, on }) => {
  it.each(on)('%s', { timeout: 60_000 }, async (name) => {
    const node = nodes[name]!;
    const { result, spans } = await runTraced({ node, args: ['node', ...args], cwd: apps }, ({ kind, attributes }) => kind === 'client' && String(attributes['url.full']).endsWith('/u/last'));
    const plain = await plainNode({ node, args, cwd: apps });
    expect(withoutPids(result.stderr)).toBe(withoutPids(plain.stderr));
    expect(result.exitCode).toBe(0);
    expect(spans.filter(({ kind }) => kind === 'server').map((span) => span.name)).toEqual(['GET /u/:id', 'GET /shops/:shop/items/:item', 'GET /fails', 'GET', 'GET /u/:id']);
    expect(spans.filter(({ kind }) => kind === 'client')).toHaveLength(5);
  });
});

function withoutPids(text: string): string {
  return text.replace(/^\(node:\d+\)/gm, '(node)');
}
