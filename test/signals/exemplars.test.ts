/** Single measurements beside what they are counted in, with the traces that they were made in. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import { pointsOf, type ReceivedPoint } from '../harness/otlp-signals.ts';
import { closedPort, startReceiver, type Receiver } from '../harness/receiver.ts';
import { otelRun, startOtelRun } from '../harness/run.ts';

// An exporter beside the application gives way to it, and to everything else on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/signals/${name}`, import.meta.url));
const node = nodes.node24!;
const dir = mkdtempSync(join(tmpdir(), 'otel-run-exemplars-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const config = join(dir, 'views.yaml');
writeFileSync(config, `metrics: { views: [{ selector: { meter_name: measured }, stream: { attribute_keys: { excluded: [order] } } }] }\n`, { mode: 0o644 });

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

const env = (more: Record<string, string> = {}): Record<string, string> => ({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_METRICS_EXPORTER: 'otlp', OTEL_RUN_DRAIN_UNREACHED: '8000', ...more });
async function run(filter: string | null, more: Record<string, string> = {}): Promise<(name: string) => ReceivedPoint | undefined> {
  await otelRun({ node, args: ['--config', config, node, fixture('measured-in-spans.cjs')], env: env({ ...(filter !== null && { OTEL_METRICS_EXEMPLAR_FILTER: filter }), ...more }) });
  await receiver.waitForRequests((requests) => requests.some(({ signal, accepted }) => signal === 'metrics' && accepted), 45_000);
  return (name) => pointsOf(receiver.requests).find((point) => point.name === name);
}
const idsOf = (name: string) => {
  const { traceId, spanId } = receiver.spans.find((span) => span.name === name)!;
  return { traceId, spanId };
};

test('trace_based: the last measurement of each bucket, and of each other series, that was made in a sampled trace', async () => {
  const point = await run('trace_based');
  await receiver.waitForSpans((spans) => spans.length === 3);
  const size = point('own.size')!;
  expect(size).toMatchObject({ count: 4, counts: [2, 1, 1], attributes: { kind: 'book' } });
  expect(size.exemplars.map(({ time: _, ...exemplar }) => exemplar)).toEqual([5, 50, 500].map((value) => ({ value, filtered: { order: `order-${value}` }, ...idsOf(`measured ${value}`) })));
  for (const { time } of size.exemplars) expect(time >= size.start - 1_000_000n && time <= size.time).toBe(true);
  expect(point('own.calls')!.exemplars).toMatchObject([{ value: 1, filtered: { order: 'order-500' }, ...idsOf('measured 500') }]);
  expect(point('own.level')).toMatchObject({ value: 7, exemplars: [{ value: 500 }] });
});

test('trace_based: exponential histograms too, and none of traces that nobody sees', async () => {
  const point = await run('trace_based', { OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: 'base2_exponential_bucket_histogram' });
  expect(point('own.size')!.exemplars.map(({ value }) => value)).toEqual([5, 50, 500]);
  receiver.requests.length = 0;
  expect((await run('trace_based', { OTEL_TRACES_SAMPLER: 'always_off' }))('own.size')).toMatchObject({ count: 4, exemplars: [] });
});

test('always_on: also what was measured outside of a trace', async () => {
  const point = await run('always_on');
  expect(point('own.size')!.exemplars.map(({ value, traceId }) => [value, traceId === ''])).toEqual([[7, true], [50, false], [500, false]]);
});

test('requests point to their own spans', async () => {
  await otelRun({ node, args: [node, fixture('served.cjs')], env: env({ OTEL_METRICS_EXEMPLAR_FILTER: 'trace_based' }) });
  await receiver.waitForSpans((spans) => spans.length === 10);
  await receiver.waitForRequests((requests) => requests.some(({ signal, accepted }) => signal === 'metrics' && accepted), 45_000);
  const spansBehind = (name: string): string[] =>
    pointsOf(receiver.requests).filter((point) => point.name === name).flatMap(({ exemplars }) => exemplars.map(({ spanId }) => receiver.spans.find((span) => span.spanId === spanId)?.kind ?? 'none'));
  expect(new Set(spansBehind('http.server.request.duration'))).toEqual(new Set(['server']));
  expect(new Set(spansBehind('http.client.request.duration'))).toEqual(new Set(['client']));
});

test('by default there are none', async () => {
  expect((await run(null))('own.size')).toMatchObject({ count: 4, exemplars: [] });
});

test('on the page for Prometheus, where OpenMetrics is asked for', async () => {
  const port = await closedPort();
  const program = startOtelRun({
    node,
    topology: 'replace',
    args: ['--config', config, node, fixture('measured-in-spans.cjs'), 'stay'],
    env: env({ OTEL_METRICS_EXPORTER: 'prometheus', OTEL_EXPORTER_PROMETHEUS_PORT: String(port), OTEL_METRICS_EXEMPLAR_FILTER: 'trace_based' }),
  });
  await program.said('measured');
  const read = async (accept: string): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { accept } })).text();
  await vi.waitFor(async () => expect(await read('')).toContain('own_calls_total'), { timeout: 45_000, interval: 200 });
  const [open, plain] = [await read('application/openmetrics-text'), await read('')];
  program.kill('SIGTERM');
  await program.ended;
  await receiver.waitForSpans((spans) => spans.length === 3);
  const { traceId, spanId } = idsOf('measured 50');
  expect(open).toMatch(new RegExp(`^own_size_bytes_bucket\\{.*le="100.0"\\} 3 # \\{trace_id="${traceId}",span_id="${spanId}",order="order-50"\\} 50 \\d+\\.\\d+$`, 'm'));
  expect(open).toMatch(/^own_calls_total\{.*\} 4 # \{trace_id="\w{32}",.*\} 1 \d+(\.\d+)?$/m);
  expect(plain).not.toContain('# {');
});
