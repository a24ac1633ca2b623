/** Loggers whose transports are worker threads, and loggers that yarn has installed: ids, records once, and their own output as ever. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { ensureLibraries } from '../../scripts/setup/libraries.mjs';
import { nodes } from '../harness/nodes.ts';
import { logsOf } from '../harness/otlp-signals.ts';
import { startReceiver } from '../harness/receiver.ts';
import { otelRun, plainNode, type RunResult } from '../harness/run.ts';

const here = fileURLToPath(new URL('..', import.meta.url));
const tools = join(here, 'apps/tools/node_modules');
const libraries = join(here, 'libraries/node_modules');
const yarn = join(tools, '@yarnpkg/cli-dist/bin/yarn.js');
const fixture = join(here, 'fixtures/signals/transports.cjs');
const scratch = mkdtempSync(join(tmpdir(), 'transports-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const projects: Record<string, string> = {};
beforeAll(async () => {
  await ensureApps(['tools']);
  await ensureLibraries();
  projects.npm = makeProject('npm', {});
  symlinkSync(tools, join(projects.npm, 'node_modules'));
  for (const linker of ['pnp', 'node-modules']) {
    // Of bunyan that is version 2; test/libraries has version 1.
    const packages = closureOf(['pino', 'pino-pretty', 'winston', 'bunyan'], [tools, libraries]);
    const direct = ['pino', 'pino-pretty', 'winston', 'bunyan'].map((name) => [name, packages[name]!] as const);
    const dir = (projects[linker] = makeProject(linker, { dependencies: Object.fromEntries(direct), resolutions: packages }));
    mkdirSync(join(dir, 'nothing'));
    writeFileSync(join(dir, 'nothing/package.json'), '{"name":"nothing","version":"0.0.0"}');
    writeFileSync(join(dir, '.yarnrc.yml'), `nodeLinker: ${linker}\nenableTelemetry: false\nenableNetwork: false\nenableGlobalCache: false\nenableScripts: false\n`);
    writeFileSync(join(dir, 'yarn.lock'), '');
    execFileSync(nodes.node24!, [yarn, 'install'], { stdio: 'pipe', cwd: dir, env: { PATH: path(nodes.node24!), HOME: scratch } });
  }
}, 300_000);

const path = (node: string): string => [dirname(node), process.env.PATH].join(delimiter);

function makeProject(name: string, manifest: object): string {
  const dir = join(scratch, name);
  mkdirSync(dir);
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ name: 'shop', version: '1.2.3', ...manifest }));
  copyFileSync(fixture, join(dir, 'app.cjs'));
  return dir;
}

/** Packages and all that they need, by where they are installed: nothing is fetched. What is optional and absent is nothing. */
function closureOf(names: readonly string[], places: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (name: string, parent?: { readonly name: string; readonly place: string }): void => {
    const nested = parent === undefined ? '' : join(parent.place, 'node_modules', name);
    const isNested = existsSync(nested) && parent !== undefined;
    const key = isNested ? `${parent.name}/${name}` : name;
    if (key in found) return;
    const place = isNested ? nested : places.map((place) => join(place, name)).find((dir) => existsSync(join(dir, 'package.json')));
    found[key] = `file:${place ?? './nothing'}`;
    if (place === undefined) return;
    const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8')) as Record<string, object | undefined>;
    for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) visit(needed, { name, place });
  };
  for (const name of names) visit(name);
  return found;
}

interface Played {
  readonly ours: RunResult;
  readonly plain: RunResult;
  /** What the file transport wrote, ours first. */
  readonly files: readonly (readonly object[])[];
  readonly logs: ReturnType<typeof logsOf>;
  readonly span: { readonly traceId: string; readonly spanId: string };
}

async function play(project: string, node: string, logger: string): Promise<Played> {
  const cwd = projects[project]!;
  const receiver = await startReceiver();
  try {
    const words = project === 'npm' ? ['node', 'app.cjs', logger] : [yarn, 'node', 'app.cjs', logger];
    const env = { PATH: path(node), API: join(here, '../node_modules/@opentelemetry/api') };
    const log = join(cwd, 'log');
    const run = async (start: () => Promise<RunResult>): Promise<[RunResult, object[]]> => {
      rmSync(log, { force: true });
      const result = await start();
      return [result, existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as object) : []];
    };
    const [plain, plainFile] = await run(() => plainNode({ node, args: project === 'npm' ? words.slice(1) : words, cwd, env }));
    const [ours, ourFile] = await run(() => otelRun({ node, args: words, cwd, env: { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_LOGS_EXPORTER: 'otlp' } }));
    await receiver.waitForSpans(1);
    await receiver.waitForRequests((requests) => logsOf(requests).length >= 2);
    const { traceId, spanId } = receiver.spans[0]!;
    return { ours, plain, files: [ourFile, plainFile], logs: logsOf(receiver.requests), span: { traceId, spanId } };
  } finally {
    await receiver.close();
  }
}

const cells = [
  ...(['pino targets', 'pino transport', 'pino-pretty', 'pino', 'bunyan'] as const).map((logger) => ['npm', logger] as const),
  ...(['pino targets', 'pino', 'winston', 'bunyan'] as const).map((logger) => ['pnp', logger] as const),
  ...(['pino transport', 'winston', 'bunyan'] as const).map((logger) => ['node-modules', logger] as const),
];

describe.each([
  ['oldest Node', nodes.node20min!, cells.filter(([, logger]) => logger === 'pino targets' || logger === 'pino transport')],
  ['newest Node', nodes.node26!, cells],
])('%s', (_, node, cells) => {
  test.each(cells)('%s: %s', { timeout: 60_000 }, async (project, logger) => {
    const { ours, plain, files, logs, span } = await play(project, node, logger);
    expect([ours.exitCode, ours.stderr]).toEqual([plain.exitCode, plain.stderr]);
    expect(plain.exitCode).toBe(0);
    expect(withoutIds(ours.stdout)).toEqual(withoutIds(plain.stdout));
    expect(plain.stdout).toContain('inside');
    const ids = { trace_id: span.traceId, span_id: span.spanId, trace_flags: '01' };
    for (const [name, value] of Object.entries(ids)) expect(ours.stdout.match(new RegExp(`"?${name}"?: ?"${value}"`, 'g'))).toHaveLength(1);
    if (logger === 'pino targets') {
      const [own, expected] = files;
      expect(expected).toHaveLength(2);
      expect(own).toEqual([expected![0], { ...expected![1], ...ids }]);
    }
    expect(logs).toMatchObject([
      { body: 'outside', severity: 9, traceId: '', resource: { 'service.name': 'shop' } },
      { body: 'inside', severity: 13, attributes: { order: 7, password: 'REDACTED' }, ...span },
    ]);
  });
});

/** Lines of the output as plain node writes them. */
function withoutIds(text: string): string[] {
  return text
    .replace(/,"(?:trace_id|span_id|trace_flags)":"[0-9a-f]+"/g, '')
    .replace(/"(?:trace_id|span_id|trace_flags)":"[0-9a-f]+",/g, '')
    .split('\n')
    .map((line) => line.replace(/"time":"[^"]*"|"pid":\d+/g, ''))
    .filter((line) => !/^ +(?:trace_id|span_id|trace_flags): "[0-9a-f]+"$/.test(line));
}
