/** The application's own use of the OpenTelemetry API: any copy joins in, and an SDK of its own is left alone. */
import { build } from 'esbuild';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { nodes } from '../harness/nodes.ts';
import { startPlainNode, type RunResult } from '../harness/run.ts';
import { agentPlan, preload, readSpool, type SpooledSpans } from '../harness/spool.ts';

const copies = ['api14', 'api19', 'api110'];
const scratch = mkdtempSync(join(tmpdir(), 'api-'));
const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/api/${name}.cjs`, import.meta.url));
const app = (name: string): string => fileURLToPath(new URL(`../apps/${name}`, import.meta.url));

const { dependencies } = JSON.parse(readFileSync(app('apis/package.json'), 'utf8')) as { dependencies: Record<string, string> };
const minors = Object.keys(dependencies);

beforeAll(() => ensureApps([...copies, 'apis']));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe.each(copies)('a copy of the API: %s', (copy) => {
  test('joins in', async () => {
    const { result, spool } = await run({ args: [fixture('own-spans')], cwd: app(copy) });
    expect(result).toMatchObject({ stdout: 'traceparent\n', stderr: '', exitCode: 0 });
    const [child, parent] = spool.spans;
    expect([child?.name, child?.scope, child?.attributes]).toEqual(['child', { name: 'own', version: '2.0.0' }, { number: 1 }]);
    expect([parent?.name, parent?.parentSpanId]).toEqual(['parent', '']);
    expect(child?.parentSpanId).toBe(parent?.spanId);
  });

  test('sets up an SDK of its own as if we were not there', async () => {
    const [ours, plain] = await bothWays({ args: [fixture('own-sdk')], cwd: app(copy) });
    expect(plain.result.stdout).toContain('own span late');
    expect(ours.result.stdout).toBe(plain.result.stdout);
    expect(ours.result.stderr.split('\n')).toEqual([expect.stringMatching(/^otel-run: the application sets up OpenTelemetry itself/), '']);
    expect(ours.spool.spans).toEqual([]);
  });

  test('sets up metrics of its own, and its traces stay ours', async () => {
    const [ours, plain] = await bothWays({ args: [fixture('own-metrics')], cwd: app(copy) });
    expect(ours.result.stdout).toBe(plain.result.stdout);
    expect(ours.result.stderr).toBe('');
    expect(ours.spool.spans.map(({ name }) => name)).toEqual(['still ours']);
  });

  test('does all that from a minified bundle as well', async () => {
    const file = join(scratch, `bundled-${copy}.cjs`);
    await build({ stdin: { contents: `require(${JSON.stringify(fixture('own-sdk'))})`, resolveDir: app(copy) }, bundle: true, platform: 'node', minify: true, outfile: file, plugins: [inlineApi(app(copy))] });
    const [ours, plain] = await bothWays({ args: [file], cwd: scratch });
    expect(plain.result.stdout).toContain('own span late');
    expect(ours.result.stdout).toBe(plain.result.stdout);
    expect(ours.spool.spans).toEqual([]);
  });
});

describe.each([
  ['the newest Node', nodes.node26],
  ['the oldest', nodes.node20min],
])('all minors of the API at once, on %s', (_, node) => {
  test('make one trace, and each finds the span of another', async () => {
    const { result, spool } = await run({ node, args: [app('apis/nested.cjs')] });
    expect(result).toMatchObject({ stderr: '', exitCode: 0 });
    const spans = new Map(spool.spans.map((span) => [span.name, span]));
    expect([...spans.keys()].sort()).toEqual([...minors].sort());
    for (const [place, minor] of minors.entries()) expect(spans.get(minor)?.parentSpanId).toBe(place === 0 ? '' : spans.get(minors[place - 1]!)?.spanId);
    const innermost = spans.get(minors.at(-1)!);
    const seen = JSON.parse(result.stdout) as { active: string[]; headers: string[] };
    expect(new Set(seen.active)).toEqual(new Set([innermost?.spanId]));
    expect(new Set(seen.headers)).toEqual(new Set([`00-${innermost?.traceId}-${innermost?.spanId}-01`]));
  });

  test.each(minors)('%s sets up an SDK of its own as if we were not there', async (minor) => {
    const [ours, plain] = await bothWays({ node, args: [fixture('own-sdk')], cwd: app('apis'), env: { API: minor } });
    expect(plain.result.stdout).toContain('own span late');
    expect(ours.result.stdout).toBe(plain.result.stdout);
    expect(ours.result.stderr.split('\n')).toEqual([expect.stringMatching(/^otel-run: the application sets up OpenTelemetry itself/), '']);
    expect(ours.spool.spans).toEqual([]);
  });
});

test('the stock SDK, set up in code, keeps its traces whole', async () => {
  const [ours, plain] = await bothWays({ args: [fixture('node-sdk')] });
  expect(plain.result.stdout.split('\n')).toHaveLength(5);
  expect(ours.result.stdout).toBe(plain.result.stdout);
  expect(ours.spool.spans).toEqual([]);
});

interface Program {
  readonly node?: string | undefined;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

let runs = 0;
async function run({ node, ...program }: Program): Promise<{ result: RunResult; spool: SpooledSpans }> {
  const dir = join(scratch, `spool-${runs++}`);
  const env = { ...program.env, NODE_OPTIONS: `--require ${preload}`, OTEL_RUN_PLAN: JSON.stringify(agentPlan(dir)) };
  return { result: await startPlainNode({ ...program, ...(node === undefined ? {} : { node }), env }).ended, spool: readSpool(dir) };
}

async function bothWays({ node = process.execPath, ...program }: Program): Promise<[Awaited<ReturnType<typeof run>>, { result: RunResult }]> {
  return [await run({ node, ...program }), { result: await startPlainNode({ node, ...program }).ended }];
}

/** The fixtures find their copy at run time; a bundle holds it. */
function inlineApi(dir: string): import('esbuild').Plugin {
  return {
    name: 'inline-api',
    setup(bundler) {
      bundler.onLoad({ filter: /own-sdk\.cjs$/ }, async ({ path }) => {
        const { readFile } = await import('node:fs/promises');
        const source = await readFile(path, 'utf8');
        return { contents: source.replace(/createRequire\(.*?\)\((?:process\.env\.API \?\? )?/, 'require('), resolveDir: dir };
      });
    },
  };
}
