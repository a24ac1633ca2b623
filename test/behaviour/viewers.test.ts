import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { superviseExporter } from '../../src/export/supervise.ts';
import type { ExporterPlan } from '../../src/plan/types.ts';
import { otelRun, startOtelRun } from '../harness/run.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'otel-run-viewers-'));
  writeFileSync(join(dir, 'server.cjs'), server);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

// Answers one request of its own; STAY keeps it from ending.
const server = `
const http = require('node:http');
const server = http.createServer((request, response) => response.end('fine'));
server.listen(0, '127.0.0.1', () => {
  http.get({ host: '127.0.0.1', port: server.address().port, path: '/orders/7?token=secret' }, (response) => {
    response.resume().on('end', () => {
      console.log('answered');
      if (process.env.STAY === undefined) server.close();
    });
  });
});
`;

/** The same tree whatever ids, ports and times. */
const even = (text: string): string =>
  text.replace(/trace [0-9a-f]{32}/g, 'trace (id)').replace(/^ *[\d.]+ (?:µs|ms|s) [ ━]{16} /gm, '').replace(/\d[\d.]* (?:µs|ms)/g, '(time)').replace(/127\.0\.0\.1:\d+/g, '(address)');
const drawn = `trace (id)  2 spans  (time)
[server] GET  client  200  http://(address)/orders/7?token=REDACTED
└─ GET  server  200  /orders/7?token=REDACTED
`;

test.each(['replace', 'parent'] as const)('--print draws the trace on stderr and leaves stdout alone, asked to %s', async (topology) => {
  const result = await otelRun({ args: ['--print', '--traces', 'none', 'node', 'server.cjs'], cwd: dir, topology });
  expect(result).toMatchObject({ exitCode: 0, stdout: 'answered\n' });
  expect(even(result.stderr)).toBe(`${drawn}\n`);
});

test('--print draws while the application runs', async () => {
  const running = startOtelRun({ args: ['--print', '--traces', 'none', 'node', 'server.cjs'], cwd: dir, env: { STAY: '1', FORCE_COLOR: '1' } });
  await running.said(/GET.*server.*200/, 'stderr');
  running.kill('SIGTERM');
  const { stderr, signal } = await running.ended;
  expect(signal).toBe('SIGTERM');
  expect(stderr).toContain('\x1b[1mGET\x1b[0m');
});

test.each(['replace', 'parent'] as const)('console writes items on stderr, asked to %s', async (topology) => {
  const result = await otelRun({ args: ['--traces', 'console', 'node', 'server.cjs'], cwd: dir, topology });
  expect(result).toMatchObject({ exitCode: 0, stdout: 'answered\n' });
  expect(result.stderr.match(/^span GET .*/gm)).toHaveLength(2);
  expect(result.stderr).toContain('  url.query: token=REDACTED\n');
});

test('what a run leaves in the local store, otel-run traces lists and draws', async () => {
  const state = join(dir, 'state');
  await keepOneRun(join(state, 'otel-run', 'traces'));
  const ask = (...words: string[]) => otelRun({ args: ['traces', ...words], cwd: dir, env: { XDG_STATE_HOME: state } });
  const list = await ask();
  const [, id] = /^([0-9a-f]{8}) {2}.* server +GET .* 2$/m.exec(list.stdout.replace(/ +$/gm, '')) ?? [];
  expect(id, list.stdout).toBeDefined();
  expect(even((await ask(id!)).stdout)).toBe(drawn);
  expect(await ask('zz')).toMatchObject({ exitCode: 125, stdout: '', stderr: expect.stringContaining("'zz' is no trace id") });
});

/** A run as on a developer's terminal, which tests do not have: the agent writes into a spool, the exporter keeps it in a store. */
async function keepOneRun(store: string): Promise<void> {
  const { agentPlan } = await import('../harness/spool.ts');
  const spool = join(dir, 'spool');
  const { execa } = await import('execa');
  const plan = agentPlan(spool);
  await execa(process.execPath, ['--require', plan.preload, join(dir, 'server.cjs')], { env: { OTEL_RUN_PLAN: JSON.stringify(plan) } });
  expect(readdirSync(spool)).toHaveLength(1);
  const exporter: ExporterPlan = {
    version: 1, run: plan.run, spool, spoolBytes: 1024 * 1024, stateDir: null, notKept: null, serviceName: null, environment: null,
    destinations: [{ kind: 'store', dir: store, capBytes: 1024 * 1024 }],
    batch: { scheduleDelayMs: 100, maxItems: 512 },
    metrics: { intervalMs: 60_000, temporality: 'cumulative', own: false }, drain: { unreachedMs: 1000, badMs: 500 },
    noticeFile: null, lastWordsFiles: [], root: null, verbosity: 'normal',
  };
  const supervised = superviseExporter(exporter, { onNotice() {}, workerUrl: pathToFileURL(join(import.meta.dirname, '../../dist/exporter-worker.js')) });
  const { signals } = await supervised.drain({ deadlineMs: 5000 });
  expect(signals.traces).toMatchObject({ produced: 2, delivered: 2, kept: 0, dropped: {}, name: 'local store' });
}
