/** The page of metrics, read by the real Prometheus and judged by promtool. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import { closedPort } from '../harness/receiver.ts';
import { startOtelRun } from '../harness/run.ts';

const dir = mkdtempSync(join(tmpdir(), 'otel-run-prometheus-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const node = nodes.node24!;
const cluster = join(import.meta.dirname, '../fixtures/signals/shop-cluster.cjs');
const exec = promisify(execFile);
const hasPrometheus = ['prometheus', 'promtool'].every((name) => spawnSync(name, ['--version']).status === 0);

/** A cluster of two workers that has taken ten orders, and its page. */
async function startShop(topology: 'parent' | 'replace', env: Record<string, string> = {}): Promise<{ page: string; stop(): Promise<void> }> {
  const [port, pagePort] = [await closedPort(), await closedPort()];
  const program = startOtelRun({ node, topology, args: [node, cluster, String(port)], env: { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'prometheus', OTEL_EXPORTER_PROMETHEUS_PORT: String(pagePort), ...env } });
  await program.said(/listening \d+/);
  // Connections of their own, so that both workers take some.
  const takers = new Set<string>();
  for (let n = 0; n < 10; n++) takers.add(await (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).text());
  expect(takers.size).toBe(2);
  const page = `http://127.0.0.1:${pagePort}/metrics`;
  await vi.waitFor(async () => expect(ordersOn(await read(page))).toEqual([5, 5]), { timeout: 15_000, interval: 200 });
  return {
    page,
    async stop() {
      program.kill('SIGTERM');
      await program.ended;
    },
  };
}

const read = async (page: string, accept = ''): Promise<string> => (await fetch(page, { headers: { accept } })).text();
const ordersOn = (text: string): number[] => [...text.matchAll(/^shop_orders_total\{.*\} (\d+)$/gm)].map(([, count]) => Number(count));

test.each(['parent', 'replace'] as const)('%s: one page for the whole tree, told apart by instance, gone with it', async (topology) => {
  const shop = await startShop(topology);
  const text = await read(shop.page);
  expect(new Set([...text.matchAll(/^shop_orders_total\{.*instance="([^"]+)"/gm)].map(([, instance]) => instance)).size).toBe(2);
  expect(text).toMatch(/^target_info\{job="[^"]+",instance="[^"]+".*process_pid="\d+".*\} 1$/m);
  expect((await fetch(shop.page.replace('/metrics', '/'))).status).toBe(404);
  expect((await fetch(shop.page, { method: 'POST' })).status).toBe(405);
  await shop.stop();
  await vi.waitFor(() => expect(fetch(shop.page)).rejects.toThrow(), 15_000);
});

// Skipped where Debian's package `prometheus` is not installed; CI installs it, and fails without it.
test.skipIf(!hasPrometheus && process.env.CI !== 'true')('the real Prometheus scrapes it, and promtool has nothing to say', async () => {
  const shop = await startShop('parent', { OTEL_TRACES_EXPORTER: 'console', OTEL_METRICS_EXEMPLAR_FILTER: 'trace_based' });
  const plain = await read(shop.page);
  const check = exec('promtool', ['check', 'metrics']);
  check.child.stdin!.end(plain);
  expect(await check).toEqual({ stdout: '', stderr: '' });

  const port = await closedPort();
  writeFileSync(join(dir, 'prometheus.yml'), `scrape_configs:\n  - job_name: otel-run\n    honor_labels: true\n    scrape_interval: 500ms\n    static_configs:\n      - targets: ['${new URL(shop.page).host}']\n`);
  const prometheus = spawn('prometheus', [`--config.file=${join(dir, 'prometheus.yml')}`, `--storage.tsdb.path=${join(dir, 'data')}`, `--web.listen-address=127.0.0.1:${port}`, '--enable-feature=exemplar-storage'], { stdio: 'ignore' });
  onTestFinished(() => void prometheus.kill('SIGKILL'));
  const ask = async (query: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> =>
    ((await (await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`)).json()) as { data: { result: [] } }).data.result;
  await vi.waitFor(async () => expect((await ask('sum(shop_orders_total)'))[0]?.value[1]).toBe('10'), { timeout: 30_000, interval: 500 });
  expect((await ask('shop_orders_total')).map(({ metric }) => metric['kind'])).toEqual(['book', 'book']);
  expect((await ask('count(http_server_request_duration_seconds_bucket{le="+Inf"})'))[0]?.value[1]).toBe('2');
  expect((await ask('up{job="otel-run"}'))[0]?.value[1]).toBe('1');
  const now = Date.now() / 1000;
  const exemplars = (await (await fetch(`http://127.0.0.1:${port}/api/v1/query_exemplars?query=http_server_request_duration_seconds_bucket&start=${now - 600}&end=${now + 60}`)).json()) as { data: { exemplars: { labels: object }[] }[] };
  expect(exemplars.data.flatMap((series) => series.exemplars).map(({ labels }) => labels)[0]).toEqual({ trace_id: expect.stringMatching(/^[0-9a-f]{32}$/), span_id: expect.stringMatching(/^[0-9a-f]{16}$/) });
  await shop.stop();
});

test('what a child had counted that has ended is there for all who come', async () => {
  const port = await closedPort();
  const script = join(import.meta.dirname, '../fixtures/signals/short-child.cjs');
  const program = startOtelRun({ node, topology: 'parent', args: [node, script], env: { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'prometheus', OTEL_EXPORTER_PROMETHEUS_PORT: String(port) } });
  await program.said('counted');
  const page = `http://127.0.0.1:${port}/metrics`;
  await vi.waitFor(async () => expect(await read(page)).toMatch(/^test_short_total\{.*\} 10$/m), { timeout: 15_000, interval: 200 });
  expect((await fetch(page, { method: 'HEAD' })).status).toBe(200);
  for (let n = 0; n < 3; n++) expect(await read(page)).toMatch(/^test_short_total\{.*\} 10$/m);
  expect((await fetch(`http://127.0.0.1:${port}//`)).status).toBe(404);
  program.kill('SIGTERM');
  await program.ended;
});

test('a port that is in use is one line, and the application runs', async () => {
  const shop = await startShop('parent');
  const result = await startOtelRun({ node, topology: 'parent', args: [node, '-e', 'setTimeout(() => console.log("ran"), 1500)'], env: { OTEL_METRICS_EXPORTER: 'prometheus', OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_PROMETHEUS_PORT: new URL(shop.page).port } }).ended;
  expect(result).toMatchObject({ stdout: 'ran\n', exitCode: 0, stderr: expect.stringMatching(/^otel-run: metrics cannot be served at http:\/\/127\.0\.0\.1:\d+\/metrics: the port is in use: another run\? \(OTEL_EXPORTER_PROMETHEUS_PORT\)\n$/) });
  await shop.stop();
});
