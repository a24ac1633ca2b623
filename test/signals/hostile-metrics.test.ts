/** What an application may give to an instrument beside what the types of the API have. */
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import { pointsOf, type ReceivedPoint } from '../harness/otlp-signals.ts';
import { startReceiver, type Receiver } from '../harness/receiver.ts';
import { otelRun } from '../harness/run.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/signals/${name}`, import.meta.url));

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

const env = (more: Record<string, string> = {}): Record<string, string> => ({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_METRICS_EXPORTER: 'otlp', OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'none', OTEL_RUN_DRAIN_UNREACHED: '15000', ...more });
const metricsCame = (): Promise<unknown> => receiver.waitForRequests((requests) => requests.some(({ signal, accepted }) => signal === 'metrics' && accepted), 45_000);
/** The last point of each series. */
const last = (name: string): ReceivedPoint[] => [...new Map(pointsOf(receiver.requests).filter((point) => point.name === name).map((point) => [`${JSON.stringify(point.attributes)} ${point.unit} ${point.scope}`, point])).values()];
const byKind = (name: string): Record<string, number> => Object.fromEntries(last(name).map(({ attributes, value }) => [String(attributes['kind'] ?? '-'), value]));
const total = (name: string): number => last(name).reduce((sum, { value }) => sum + value, 0);

test.each([['oldest Node', nodes.node20min!], ['newest Node', nodes.node26!]])('%s: nothing is thrown, and what is sound arrives', { timeout: 60_000 }, async (_, node) => {
  const { exitCode, stdout, stderr } = await otelRun({ node, topology: 'parent', args: [node, fixture('hostile.cjs')], env: env({ OTEL_METRICS_EXEMPLAR_FILTER: 'always_on' }) });
  expect([exitCode, stdout, stderr]).toEqual([0, 'survived\n', '']);
  await metricsCame();
  // 15 kinds of attributes and 4 contexts; of values none counts.
  expect(byKind('test.hostile')).toEqual({ '-': 18, throwing: 1 });
  expect(last('test.hostile.size').reduce((sum, { count }) => sum + count, 0)).toBe(15);
  expect(byKind('test.hostile.level')).toEqual({ '-': 1, throwing: 1 });
  expect(total('test.hostile.open')).toBe(15);
  expect(last('test.advised')).toMatchObject([{ count: 6 }]);
  expect(last('test.advised')[0]!.bounds.length).toBe(15);
  expect(total('test.options')).toBe(6);
  expect(total('test.meter')).toBe(8);
  for (const name of ['null', 'undefined', '5', '[object Object]', 'Symbol(s)']) expect(last(name), name).toMatchObject([{ value: 1 }]);
  expect(byKind('test.observed')).toEqual({ '-': 1, throwing: 1, last: 2 });
  expect(byKind('test.observed.batch')).toMatchObject({ throwing: 1, last: 3 });
  expect(last('test.after')).toMatchObject([{ value: 1 }]);
  expect(receiver.errors).toEqual([]);
});

test('attribute sets that are told the same are one series', { timeout: 60_000 }, async () => {
  const node = nodes.node24!;
  await otelRun({ node, args: [node, fixture('alike.cjs')], env: env({ OTEL_METRIC_EXPORT_INTERVAL: '200' }) });
  await metricsCame();
  expect(byKind('test.alike')).toEqual({ key: 13, url: 13, long: 13, half: 13, gone: 13, first: 1, second: 2 });
  expect(last('test.alike.size').map(({ attributes, count, value }) => [attributes['kind'], count, value])).toEqual(['key', 'url', 'long', 'half', 'gone'].map((kind) => [kind, 2, 3]));
  expect(byKind('test.alike.observed')).toMatchObject({ key: 12, url: 12, long: 12, half: 12 });
  expect(JSON.stringify(pointsOf(receiver.requests).map(({ attributes }) => attributes))).not.toMatch(/"k[12]"|token=[ab]/);
  // A sum that only grows, in every export of it.
  for (const kind of ['key', 'url', 'long']) {
    const values = pointsOf(receiver.requests).filter(({ name, attributes }) => name === 'test.alike' && attributes['kind'] === kind).map(({ value }) => value);
    expect(values).toEqual([...values].sort((a, b) => a - b));
  }
});
