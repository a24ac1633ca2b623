/** Metrics from the application to the backend: the built command line, a real receiver. */
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import { pointsOf, type ReceivedPoint } from '../harness/otlp-signals.ts';
import { startReceiver, type Receiver } from '../harness/receiver.ts';
import { otelRun, startOtelRun } from '../harness/run.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/signals/${name}`, import.meta.url));
const counter = fixture('counter.cjs');

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

const env = (more: Record<string, string> = {}): Record<string, string> => ({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_METRICS_EXPORTER: 'otlp', ...more });
const points = (name: string): ReceivedPoint[] => pointsOf(receiver.requests).filter((point) => point.name === name);
const sum = (found: readonly ReceivedPoint[]): number => found.reduce((total, { value }) => total + value, 0);
const metricsCame = (): Promise<unknown> => receiver.waitForRequests((requests) => requests.some(({ signal, accepted }) => signal === 'metrics' && accepted));

const cells = [
  ['oldest Node', nodes.node20min!, 'parent'],
  ['newest Node', nodes.node26!, 'parent'],
  ['newest Node', nodes.node26!, 'replace'],
] as const;

describe.each(cells)('%s', (_, node, topology) => {
  test.each(['natural', 'exit', 'throw', 'reject', 'term', 'abort'])(`${topology}: no point is lost where the application ends by %s`, async (ending) => {
    await otelRun({ node, topology, args: [node, counter, '1000', ending], env: env() });
    await metricsCame();
    expect(sum(points('test.count'))).toBe(1000);
    expect(points('test.count').map(({ attributes, kind, temporality, monotonic, unit, scope }) => ({ attributes, kind, temporality, monotonic, unit, scope }))).toEqual(
      ['even', 'odd'].map((parity) => ({ attributes: { parity }, kind: 'sum', temporality: 'cumulative', monotonic: true, unit: '{call}', scope: 'counter' })),
    );
    expect(points('test.size')).toMatchObject([{ kind: 'histogram', count: 1000, counts: [10, 45, 450, 495], bounds: [1, 10, 100] }]);
    expect(points('test.level')).toMatchObject([{ kind: 'gauge', value: 42, attributes: { place: 'here' } }]);
    expect(points('test.open')).toMatchObject([{ kind: 'sum', monotonic: false, value: 0 }]);
    expect(receiver.errors).toEqual([]);
  });
});

const node = nodes.node24!;

test('points go at the interval, cumulative: each export holds all there was', async () => {
  const program = startOtelRun({ node, topology: 'parent', args: ['--', node, counter, '100', 'stay'], env: env({ OTEL_METRIC_EXPORT_INTERVAL: '400' }) });
  await receiver.waitForRequests((requests) => pointsOf(requests).filter(({ name, attributes }) => name === 'test.count' && attributes['parity'] === 'odd').length >= 4, 20_000);
  program.kill('SIGTERM');
  await program.ended;
  const odd = points('test.count').filter(({ attributes }) => attributes['parity'] === 'odd');
  expect(odd.at(-1)!.value).toBe(50);
  expect(new Set(odd.map(({ start }) => start)).size).toBe(1);
  const times = odd.map(({ time }) => time);
  expect(times).toEqual([...new Set(times)].sort((a, b) => Number(a - b)));
});

test('delta: the exports together hold all there was, each once', async () => {
  const program = startOtelRun({ node, topology: 'parent', args: ['--', node, counter, '1000', 'stay'], env: env({ OTEL_METRIC_EXPORT_INTERVAL: '300', OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta' }) });
  await program.said('counted');
  await receiver.waitForRequests((requests) => sum(pointsOf(requests).filter(({ name }) => name === 'test.count')) >= 1000, 20_000);
  program.kill('SIGTERM');
  await program.ended;
  const found = points('test.count');
  expect(sum(found)).toBe(1000);
  expect(new Set(found.map(({ temporality }) => temporality))).toEqual(new Set(['delta']));
  expect(points('test.size').reduce((total, { count }) => total + count, 0)).toBe(1000);
  expect(new Set(points('test.open').map(({ temporality }) => temporality))).toEqual(new Set(['cumulative']));
});

test('exponential histograms by setting', async () => {
  await otelRun({ node, args: [node, counter, '1000', 'exit'], env: env({ OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: 'base2_exponential_bucket_histogram' }) });
  await metricsCame();
  const [size] = points('test.size');
  expect(size).toMatchObject({ kind: 'exponentialHistogram', count: 1000, value: 99_500 });
});

test('HTTP, the runtime and the process are measured', async () => {
  await otelRun({ node, args: [node, fixture('served.cjs')], env: env() });
  await metricsCame();
  const names = new Set(pointsOf(receiver.requests).map(({ name }) => name));
  expect([...names]).toEqual(expect.arrayContaining(['http.server.request.duration', 'http.client.request.duration', 'nodejs.eventloop.utilization', 'nodejs.eventloop.delay.p99', 'v8js.memory.heap.used', 'process.cpu.time', 'process.memory.usage']));
  const [served] = points('http.server.request.duration');
  expect(served).toMatchObject({ kind: 'histogram', unit: 's', count: 5, attributes: { 'http.request.method': 'GET', 'http.response.status_code': 200, 'url.scheme': 'http' } });
  // Neither a path nor what the client claims to be talking to.
  expect(Object.keys(served!.attributes)).not.toEqual(expect.arrayContaining(['server.address']));
  expect(JSON.stringify(points('http.server.request.duration').map(({ attributes }) => attributes))).not.toMatch(/secret-path|evil\.example/);
});

test('2,000 attribute sets an instrument, and then one for the rest', async () => {
  await otelRun({ node, args: [node, fixture('many-sets.cjs')], env: env() });
  await metricsCame();
  const found = points('test.sets');
  expect(new Set(found.map(({ attributes }) => JSON.stringify(attributes))).size).toBe(2000);
  expect(sum(found)).toBe(5000);
  expect(found.filter(({ attributes }) => attributes['otel.metric.overflow'] === true)).toMatchObject([{ value: 3001 }]);
});

test('one object of attributes may serve several instruments; asynchronous ones have 2,000 sets too', { timeout: 90_000 }, async () => {
  const program = startOtelRun({ node, topology: 'replace', args: [node, fixture('shared-attributes.cjs')], env: env({ OTEL_METRIC_EXPORT_INTERVAL: '300' }), timeoutMs: 60_000 });
  await program.said('recorded');
  // In snapshots of what has changed: the last one, of everything, comes only with the end.
  const observed = (): number => new Set(points('test.observed').map(({ attributes }) => JSON.stringify(attributes))).size;
  await receiver.waitForRequests(() => observed() >= 2000 && ['test.first', 'test.second', 'test.third'].every((name) => points(name).length > 0), 45_000);
  program.kill('SIGKILL');
  await program.ended;
  expect([points('test.first')[0]?.value, points('test.second')[0]?.value, points('test.third')[0]?.value]).toEqual([1, 1, 7]);
  expect(observed()).toBe(2000);
});

test('threads and processes of one service are streams of their own', async () => {
  await otelRun({ node, args: [node, fixture('family.cjs')], env: env() });
  await metricsCame();
  const found = points('test.family');
  expect(sum(found)).toBe(30);
  expect(new Set(found.map(({ resource }) => resource['service.instance.id'])).size).toBe(3);
});

test('where their resource is the same in every attribute they are put together', async () => {
  await otelRun({ node, args: [node, fixture('family.cjs')], env: env({ OTEL_NODE_RESOURCE_DETECTORS: 'none' }) });
  await metricsCame();
  // One point a request at most.
  for (const request of receiver.requests.filter(({ signal }) => signal === 'metrics')) {
    expect(pointsOf([request]).filter(({ name }) => name === 'test.family').length).toBeLessThanOrEqual(1);
  }
  expect(points('test.family').at(-1)!.value).toBe(30);
});

test('without metrics nothing of them is loaded or handed over', async () => {
  await otelRun({ node, args: [node, counter, '10', 'exit'], env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl } });
  expect(receiver.requests.filter(({ signal }) => signal === 'metrics')).toEqual([]);
});
