/** Tools that change how modules are loaded do under otel-run what they do under plain Node, and what they load is traced. */
import { cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { ensureLibraries } from '../../scripts/setup/libraries.mjs';
import { nodes } from '../harness/nodes.ts';
import { startReceiver } from '../harness/receiver.ts';
import { both, linesOf, linkPackages } from './compare.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const apps = join(root, 'test/apps/loaders');
const TS_NODE = join(apps, 'node_modules/ts-node/dist/bin.js');

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'otel-run-loaders-')));
const places = { plain: join(scratch, 'plain'), hooked: join(scratch, 'hooked') };
beforeAll(async () => {
  await ensureApps(['loaders']);
  await ensureLibraries();
  for (const dir of Object.values(places)) {
    cpSync(apps, dir, { recursive: true, filter: (path) => !path.startsWith(join(apps, 'node_modules')) });
    linkPackages(dir, join(apps, 'node_modules'), ['esmock', 'generic-pool', 'pirates', 'proxyquire', 'ts-node', 'typescript']);
  }
  linkPackages(places.hooked, join(root, 'test/libraries/node_modules'), ['openai']);
}, 600_000);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Program {
  readonly args: readonly string[];
  /** How often a resource is taken from the real pool. */
  readonly spans: number;
}

const programs: readonly Program[] = [
  { args: ['pirates.cjs'], spans: 1 },
  { args: ['load-hooks.cjs'], spans: 1 },
  { args: ['registers.cjs'], spans: 1 },
  { args: ['--require', 'ts-node/register/transpile-only', 'typed.ts', 'throw'], spans: 1 },
  // With a global stub it replaces `Module._cache`, for good: the pool that is then loaded anew is not traced.
  { args: ['proxyquire.cjs'], spans: 2 },
  { args: ['esmock.mjs'], spans: 6 },
];
const plainPrograms: readonly Program[] = [...programs, { args: [TS_NODE, '--transpile-only', 'typed.ts'], spans: 1 }, { args: ['--require', 'ts-node/register', 'wrong.ts'], spans: 0 }];

/** Asynchronous hooks have Node load the main module asynchronously: it runs on another stack. */
const OTHER_STACK = /\n    at processTicksAndRejections .*/g;

describe.each([
  ['no ES module is wanted', places.plain, plainPrograms],
  ['hooks for ES modules', places.hooked, programs],
] as const)('%s', (_, cwd, programs) => {
  const cases = linesOf('node20min', 'node26').flatMap((line) => programs.map((program) => ({ name: `${line} ${program.args.join(' ').replace(TS_NODE, 'ts-node')}`, line, ...program })));
  it.each(cases)('$name', { timeout: 120_000 }, async ({ line, args, spans }) => {
    const receiver = await startReceiver();
    try {
      const [plain, ours] = await both(nodes[line]!, args, cwd, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl });
      const isOtherStack = cwd === places.hooked && line === 'node20min';
      const [expected, found] = [plain, ours].map(({ exitCode, signal, stdout, stderr }) => [exitCode, signal, stdout, isOtherStack ? stderr.replace(OTHER_STACK, '') : stderr]);
      expect(found).toEqual(expected);
      await receiver.waitForSpans(spans);
      expect(receiver.spans.map(({ name }) => name)).toEqual(Array(spans).fill('generic-pool.acquire'));
    } finally {
      await receiver.close();
    }
  });
});
