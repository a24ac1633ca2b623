/** Views of the config file, on the application's own instruments and on those of libraries. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import { pointsOf, type ReceivedPoint } from '../harness/otlp-signals.ts';
import { startReceiver, type Receiver } from '../harness/receiver.ts';
import { otelRun } from '../harness/run.ts';

// An exporter beside the application gives way to it, and to everything else on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/signals/${name}`, import.meta.url));
const node = nodes.node24!;

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

async function pointsWith(views: string, args: readonly string[], env: Record<string, string> = {}): Promise<ReceivedPoint[]> {
  const dir = mkdtempSync(join(tmpdir(), 'otel-run-views-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, 'views.yaml'), `metrics:\n  exporters: [otlp]\n  views:\n${views.replace(/^/gm, '    ')}\n`, { mode: 0o644 });
  const { stderr } = await otelRun({ node, args: ['--config', join(dir, 'views.yaml'), node, ...args], env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, ...env } });
  expect(stderr).not.toContain('otel-run:');
  await receiver.waitForRequests((requests) => requests.some(({ signal, accepted }) => signal === 'metrics' && accepted), 45_000);
  return pointsOf(receiver.requests);
}

test('rename, drop, aggregate otherwise, leave attributes out', async () => {
  const points = await pointsWith(
    `- selector: { instrument_name: test.count }
  stream: { name: shop.calls, description: All calls, attribute_keys: { excluded: [par*] } }
- selector: { instrument_name: t?st.level }
  stream: { aggregation: { drop: {} } }
- selector: { instrument_name: test.size, meter_name: counter, unit: By }
  stream: { aggregation: { explicit_bucket_histogram: { boundaries: [50, 150], record_min_max: false } } }
- selector: { instrument_name: test.size }
  stream: { name: test.size.exponential, aggregation: { base2_exponential_bucket_histogram: { max_size: 20 } } }
- selector: { instrument_name: '*.cpu.*' }
  stream: { attribute_keys: { included: [] } }`,
    [fixture('counter.cjs'), '1000', 'exit'],
  );
  const of = (name: string): ReceivedPoint[] => points.filter((point) => point.name === name);
  expect(of('shop.calls')).toMatchObject([{ value: 1000, attributes: {}, unit: '{call}', kind: 'sum' }]);
  expect([...of('test.count'), ...of('test.level')]).toEqual([]);
  expect(of('test.size')).toMatchObject([{ kind: 'histogram', count: 1000, bounds: [50, 150], counts: [255, 500, 245] }]);
  expect(of('test.size.exponential')).toMatchObject([{ kind: 'exponentialHistogram', count: 1000, value: 99_500 }]);
  expect(of('test.size.exponential')[0]!.counts.length).toBeLessThanOrEqual(20);
  expect(of('test.open')).toMatchObject([{ kind: 'sum', value: 0 }]);
  expect(of('process.cpu.time')).toMatchObject([{ attributes: {} }]);
});

test('observed sums without what told them apart are one sum; of gauges the last one holds', async () => {
  const observe = `const meter = require(${JSON.stringify(fileURLToPath(import.meta.resolve('@opentelemetry/api')))}).metrics.getMeter('own');
    const both = (result) => (result.observe(3, { half: 'one' }), result.observe(4, { half: 'other' }));
    meter.createObservableCounter('own.sum').addCallback(both);
    meter.createObservableGauge('own.level').addCallback(both);`;
  const points = await pointsWith(`- selector: { meter_name: own }\n  stream: { attribute_keys: { excluded: [half] } }`, ['-e', observe]);
  const own = points.filter(({ scope }) => scope === 'own').map(({ name, value, attributes }) => ({ name, value, attributes }));
  expect(own).toEqual([{ name: 'own.sum', value: 7, attributes: {} }, { name: 'own.level', value: 4, attributes: {} }]);
});

test('a limit of attribute sets, for the life of the process; and the kind of histograms stays what the setting says', async () => {
  const points = await pointsWith(
    `- selector: { instrument_name: test.sets }
  stream: { aggregation_cardinality_limit: 10 }
- selector: { instrument_type: histogram }
  stream: { attribute_keys: { excluded: [network.protocol.version] } }`,
    ['-e', `require(${JSON.stringify(fixture('many-sets.cjs'))}); require(${JSON.stringify(fixture('served.cjs'))})`],
    { OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: 'base2_exponential_bucket_histogram' },
  );
  const sets = points.filter(({ name }) => name === 'test.sets');
  expect(new Set(sets.map(({ attributes }) => JSON.stringify(attributes))).size).toBe(10);
  const served = points.find(({ name }) => name === 'http.server.request.duration');
  expect(served).toMatchObject({ kind: 'exponentialHistogram', count: 5 });
  expect(served!.attributes).not.toHaveProperty(['network.protocol.version']);
});
