/** Where the agent does not belong it leaves, and where anything of ours fails the application runs without it. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import { afterAll, describe, expect, test } from 'vitest';
import { startPlainNode, type RunResult } from '../harness/run.ts';
import { agentPlan, preload, readSpool } from '../harness/spool.ts';
import type { AgentPlan } from '../../src/plan/types.ts';
import { readFileSync } from 'node:fs';

const scratch = mkdtempSync(join(tmpdir(), 'guard-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const isTraced = fileURLToPath(new URL('../fixtures/guard/is-traced.cjs', import.meta.url));
const endings = fileURLToPath(new URL('../fixtures/endings/endings.cjs', import.meta.url));

let runs = 0;
const spoolDir = (): string => join(scratch, `spool-${runs++}`);
const run = (args: readonly string[], { env = {}, plan = agentPlan(spoolDir()), agent = preload }: { env?: Record<string, string>; plan?: AgentPlan | string; agent?: string } = {}): Promise<RunResult> =>
  startPlainNode({ args, cwd: scratch, env: { NODE_OPTIONS: `--require ${agent}`, OTEL_RUN_PLAN: typeof plan === 'string' ? plan : JSON.stringify(plan), ...env } }).ended;

/** The program that says whether it is traced, at another path. */
function place(path: string): string {
  const file = join(scratch, path);
  mkdirSync(dirname(file), { recursive: true });
  cpSync(isTraced, file);
  return file;
}

test('the guard is plain ES5', () => {
  const source = readFileSync(preload, 'utf8');
  expect(transformSync(source, { target: 'es5', minifyWhitespace: true }).code).toBe(transformSync(source, { minifyWhitespace: true }).code);
});

describe('package managers and starters are stepped over', () => {
  test.each([
    ['lib/node_modules/npm/bin/npm-cli.js'],
    ['lib/node_modules/npm/bin/npx-cli.js'],
    ['node_modules/yarn/bin/yarn.js'],
    ['node_modules/pnpm/bin/pnpm.cjs'],
    ['node_modules/corepack/dist/pnpm.js'],
    ['.yarn/releases/yarn-4.9.1.cjs'],
    ['opt/yarn-v1.22.22/bin/yarn.js'],
    ['usr/bin/npm'],
    ['node_modules/tsx/dist/cli.mjs'],
    ['node_modules/nodemon/bin/nodemon.js'],
    ['node_modules/.bin/cross-env'],
  ])('%s', async (path) => {
    const file = place(path.replace(/\.mjs$/, '.cjs'));
    expect(await run([file])).toMatchObject({ stdout: 'main not traced\n', stderr: '', exitCode: 0 });
  });

  test.each([['npm.js'], ['src/yarn.cjs'], ['node_modules/next/dist/bin/next.cjs'], ['node_modules/pm2/lib/ProcessContainerFork.js'], ['node_modules/tsx/node_modules/app/index.js']])('%s is an application', async (path) => {
    expect(await run([place(path)])).toMatchObject({ stdout: 'main traced\n', stderr: '', exitCode: 0 });
  });

  test('a symbolic link to npm too', async () => {
    place('elsewhere/node_modules/npm/bin/npm-cli.js');
    mkdirSync(join(scratch, 'linked'));
    symlinkSync(join(scratch, 'elsewhere/node_modules/npm/bin/npm-cli.js'), join(scratch, 'linked/npm'));
    expect((await run([join(scratch, 'linked/npm')])).stdout).toBe('main not traced\n');
  });
});

describe('worker threads', () => {
  test.each([
    ['{}', 'worker traced'],
    ['{"filename":"pino.js","dataBuf":0,"stateBuf":0,"workerData":{}}', 'worker not traced'],
    ['{"$context":{"threadStreamVersion":"4.0.0"}}', 'worker not traced'],
    ['{"workerPort":0,"esbuildVersion":"0.28.2"}', 'worker not traced'],
  ])('handed %s: %s', async (data, expected) => {
    expect(await run([isTraced, data])).toMatchObject({ stdout: `main traced\n${expected}\n`, stderr: '', exitCode: 0 });
  });

  test('each has a segment of its own', async () => {
    const dir = spoolDir();
    await run([endings, 'worker'], { plan: agentPlan(dir) });
    expect(readSpool(dir)).toMatchObject({ segments: 1, ended: 1 });
  });
});

describe('whatever is wrong with ours, the application runs', () => {
  const broken = join(scratch, 'broken');
  cpSync(dirname(preload), broken, { recursive: true });
  writeFileSync(join(broken, 'agent.js'), 'throw new Error("no good")');
  const gone = join(scratch, 'gone');
  cpSync(dirname(preload), gone, { recursive: true });
  rmSync(join(gone, 'agent.js'));

  test.each<[string, Parameters<typeof run>[1], RegExp]>([
    ['a plan that is no JSON', { plan: '{oops' }, /^otel-run: could not start, the application runs without telemetry: .*\n$/],
    ['a plan of another version', { plan: JSON.stringify({ version: 2 }) }, /^otel-run: was started by another version of otel-run; [^\n]*\n$/],
    ['a plan without its parts', { plan: '{"version":1}' }, /^otel-run: could not start, [^\n]*\n$/],
    ['an agent that throws', { agent: join(broken, 'register.js') }, /^otel-run: could not start, the application runs without telemetry: no good\n$/],
    ['an agent that is gone', { agent: join(gone, 'register.js') }, /^otel-run: could not start, [^\n]*agent\.js[^\n]*\n$/],
  ])('%s', async (_, options, line) => {
    const result = await run([isTraced], options);
    expect(result).toMatchObject({ stdout: 'main not traced\n', exitCode: 0 });
    expect(result.stderr).toMatch(line);
  });

  test('a spool that cannot be written costs spans and a line that counts them', async () => {
    const result = await run([endings, 'exit-later'], { plan: agentPlan('/proc/nowhere') });
    const line = /^otel-run: process \d+ could not hand over 100 spans \(spool: \w+\): they are lost\n$/;
    expect(result).toMatchObject({ stdout: '', stderr: expect.stringMatching(line), exitCode: 3 });
  });

  test('--quiet says nothing', async () => {
    const result = await run([isTraced], { agent: join(broken, 'register.js'), plan: agentPlan(spoolDir(), { verbosity: 'quiet' }) });
    expect(result.stderr).toBe('');
  });
});

describe('another agent keeps its telemetry', () => {
  const install = (path: string, source: string): void => {
    mkdirSync(dirname(join(scratch, 'node_modules', path)), { recursive: true });
    writeFileSync(join(scratch, 'node_modules', path), source);
  };

  test.each([
    ['--require', 'dd-trace', 'dd-trace/init.js'],
    ['--import', 'dd-trace', 'dd-trace/initialize.mjs'],
    ['--require', 'newrelic', 'newrelic/index.js'],
    ['--require', 'elastic-apm-node', 'elastic-apm-node/start.js'],
    ['--require', '@instana/collector', '@instana/collector/src/immediate.js'],
    ['--require', '@google-cloud/trace-agent', '@google-cloud/trace-agent/start.js'],
    ['--require', 'appdynamics', 'appdynamics/index.js'],
    ['--require', 'applicationinsights', 'applicationinsights/out/index.js'],
    ['--import', '@azure/monitor-opentelemetry', '@azure/monitor-opentelemetry/index.mjs'],
    ['--require', '@honeycombio/opentelemetry-node', '@honeycombio/opentelemetry-node/index.js'],
    ['--require', '@splunk/otel', '@splunk/otel/instrument.js'],
    ['--import', 'solarwinds-apm', 'solarwinds-apm/index.mjs'],
    ['--import', '@appsignal/nodejs', '@appsignal/nodejs/index.mjs'],
    ['--import', '@elastic/opentelemetry-node', '@elastic/opentelemetry-node/import.mjs'],
  ])('asked for by %s of %s', async (flag, name, path) => {
    install(path, '');
    const line = `otel-run: ${name} is active in this application and keeps its telemetry; otel-run adds none.\n`;
    const file = join(scratch, 'node_modules', path);
    const expected = { stdout: 'main not traced\n', stderr: line, exitCode: 0 };
    expect(await run([flag, file, isTraced])).toMatchObject(expected);
    expect(await run([isTraced], { env: { NODE_OPTIONS: `${flag}=${file} --require ${preload}` } })).toMatchObject(expected);
  });

  // What each does when it begins to trace, for those too large to install. dd-trace, newrelic, elastic-apm-node and
  // Sentry are the real ones in test/tree/own-sdk.test.ts.
  test.each([
    ['Instana', '@instana/core/src/tracing/instrumentation/protocols/httpServer.js', '', 'load()'],
    ['@google-cloud/trace-agent', '@google-cloud/trace-agent/build/src/plugins/plugin-http.js', '', 'load()'],
    ['AppDynamics', 'appdynamics/lib/core/agent.js', 'const agent = { initialized: false }; exports.__agent = agent; exports.profile = () => void (agent.initialized = true);', 'load().profile()'],
    ['applicationinsights', 'applicationinsights/out/AutoCollection/CorrelationContextManager.js', 'class CorrelationContextManager { static enabled = false; static enable() { this.enabled = true; } } exports.CorrelationContextManager = CorrelationContextManager;', 'load().CorrelationContextManager.enable()'],
    ['newrelic', 'newrelic/lib/agent.js', 'module.exports = class Agent { config = { serverless_mode: { enabled: true } }; setState(state) { this.state = state; } };', "new (load())().setState('starting')"],
  ])('%s, started in code', async (name, path, source, begin) => {
    install(path, source);
    const app = join(scratch, 'starts-agent.cjs');
    writeFileSync(
      app,
      `const { createRequire } = require('node:module');
       const { trace } = createRequire(${JSON.stringify(endings)})('@opentelemetry/api');
       const load = () => require(${JSON.stringify(path)});
       trace.getTracer('own').startSpan('before').end();
       if (${JSON.stringify(begin)} !== 'load()') load();
       trace.getTracer('own').startSpan('loaded').end();
       ${begin};
       trace.getTracer('own').startSpan('after').end();`,
    );
    const dir = spoolDir();
    const result = await run([app], { plan: agentPlan(dir) });
    expect(result).toMatchObject({ stdout: '', exitCode: 0 });
    expect(result.stderr).toBe(`otel-run: ${name} is active in this application and keeps its telemetry; otel-run adds none from now on.\n`);
    expect(readSpool(dir).spans.map((span) => span.name)).toEqual(['before', 'loaded']);
  });

  test('an SDK that was there first, said once for the whole process tree', async () => {
    const sdk = join(scratch, 'sdk-first.cjs');
    writeFileSync(sdk, 'globalThis[Symbol.for("opentelemetry.js.api.1")] = { version: "1.9.0", trace: {} };');
    const tree = join(scratch, 'tree.cjs');
    writeFileSync(tree, `for (let i = 0; i < 3; i++) require('node:child_process').spawnSync(process.execPath, [${JSON.stringify(isTraced)}], { stdio: 'inherit' });`);
    const dir = spoolDir();
    mkdirSync(dir);
    const result = await run([tree], { plan: agentPlan(dir), env: { NODE_OPTIONS: `--require ${sdk} --require ${preload}` } });
    expect(result.stderr).toBe('otel-run: an OpenTelemetry SDK is active in this application and keeps its telemetry; otel-run adds none.\n');
  });
});

test('loaded twice, it settles once', async () => {
  const copy = join(scratch, 'copy');
  cpSync(dirname(preload), copy, { recursive: true });
  const dir = spoolDir();
  const result = await run([endings, 'natural'], { plan: agentPlan(dir), env: { NODE_OPTIONS: `--require ${preload} --require ${preload} --require ${join(copy, 'register.js')}` } });
  expect(result).toMatchObject({ stderr: '', exitCode: 0 });
  expect(readSpool(dir).spans).toHaveLength(100);
});

test('a process that has lost our variable is left alone', async () => {
  const parent = join(scratch, 'loses-plan.cjs');
  writeFileSync(parent, `require('node:child_process').spawnSync(process.execPath, [${JSON.stringify(isTraced)}], { stdio: 'inherit', env: { NODE_OPTIONS: process.env.NODE_OPTIONS } });`);
  expect(await run([parent])).toMatchObject({ stdout: 'main not traced\n', stderr: '' });
});

describe("the exporter's lines", () => {
  const withNotices = (dir: string, verbosity: AgentPlan['verbosity'] = 'normal') => agentPlan(dir, { verbosity, handOff: { kind: 'spool', dir, capBytes: 1 << 26, noticeFile: `${dir}/notices` } });

  test('are said by one process, each once', async () => {
    const dir = spoolDir();
    mkdirSync(dir);
    writeFileSync(`${dir}/notices`, 'otel-run: first line\notel-run: second line\notel-run: half a li');
    const first = await run([endings, 'exit-later'], { plan: withNotices(dir) });
    expect(first.stderr).toBe('otel-run: first line\notel-run: second line\n');
    writeFileSync(`${dir}/notices`, 'ne\n', { flag: 'a' });
    const second = await run([endings, 'natural'], { plan: withNotices(dir) });
    expect(second.stderr).toBe('otel-run: half a line\n');
  });

  test('are not said where quiet was asked for', async () => {
    const dir = spoolDir();
    mkdirSync(dir);
    writeFileSync(`${dir}/notices`, 'otel-run: a line\n');
    expect((await run([endings, 'natural'], { plan: withNotices(dir, 'quiet') })).stderr).toBe('');
  });
});

test('where traces go nowhere, the context of a caller still reaches the called', async () => {
  const file = join(scratch, 'passes.cjs');
  writeFileSync(
    file,
    `const { createRequire } = require('node:module');
     const { context, propagation, ROOT_CONTEXT } = createRequire(${JSON.stringify(endings)})('@opentelemetry/api');
     const at = propagation.extract(ROOT_CONTEXT, { traceparent: '00-${'a'.repeat(32)}-${'b'.repeat(16)}-01' });
     context.with(at, () => setTimeout(() => { const out = {}; propagation.inject(context.active(), out); console.log(out.traceparent); }));`,
  );
  const dir = spoolDir();
  const result = await run([file], { plan: agentPlan(dir, { traces: null }) });
  expect(result).toMatchObject({ stdout: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01\n`, stderr: '' });
  expect(readSpool(dir).segments).toBe(0);
});
