/** OTLP metrics in the real Prometheus 3 and through the real Collector: the figures that the application has counted. Log records through the real Collector. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import { logsOf } from '../harness/otlp-signals.ts';
import { startReceiver } from '../harness/receiver.ts';
import { otelRun } from '../harness/run.ts';
import { describeWithServices, readLogs, readPoints, readSpans } from '../services/index.ts';

// An exporter beside the application gives way to it, and to everything else on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const node = nodes.node24!;
const kinds = fileURLToPath(new URL('../fixtures/signals/four-kinds.cjs', import.meta.url));
const everyLog = fileURLToPath(new URL('../fixtures/signals/every-log.cjs', import.meta.url));
const EXPONENTIAL = { OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: 'base2_exponential_bucket_histogram' };
const SUM = 99_500;
let run = 0;

/** Runs it to its end under a name of its own. */
async function play(env: Record<string, string>): Promise<string> {
  const service = `kinds-${process.pid}-${++run}`;
  const { exitCode, stderr } = await otelRun({ node, args: [node, kinds], env: { OTEL_SERVICE_NAME: service, OTEL_METRICS_EXPORTER: 'otlp', OTEL_RUN_DRAIN_UNREACHED: '8000', ...env } });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return service;
}

describeWithServices('Prometheus 3', ['prometheus', 'collector'], (servers) => {
  type Found = { metric: Record<string, string>; value: [number, string]; histogram?: [number, { count: string; sum: string; buckets: [number, string, string, string][] }] };
  const ask = async (path: string, parameters: Record<string, string>): Promise<any> => {
    const { status, data } = (await (await fetch(`${servers.prometheus.api}/${path}?${String(new URLSearchParams(parameters))}`)).json()) as { status: string; data: unknown };
    expect(status).toBe('success');
    return data;
  };
  const query = async (text: string): Promise<Found[]> => (await ask('query', { query: text })).result;
  const numbers = async (text: string, ...labels: string[]): Promise<(string | number)[][]> => (await query(text)).map(({ metric, value }) => [...labels.map((label) => metric[label]!), Number(value[1])]).sort();
  /** Metrics to Prometheus, traces to the Collector. */
  const backend = () => ({ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: servers.prometheus.otlp, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${servers.collector.http}/v1/traces` });

  test('counter, gauge and histogram with bounds, with an exemplar that leads to its trace', async () => {
    const job = await play({ ...backend(), OTEL_METRICS_EXEMPLAR_FILTER: 'trace_based' });
    await vi.waitFor(async () => expect(await numbers(`kinds_calls_total{job="${job}"}`, 'parity')).toEqual([['even', 500], ['odd', 500]]), { timeout: 45_000, interval: 200 });
    expect(await numbers(`kinds_level_ratio{job="${job}"}`, 'place')).toEqual([['here', -4.5]]);
    expect(await numbers(`kinds_open{job="${job}"}`)).toEqual([[332]]);
    expect(await numbers(`kinds_size_bytes_bucket{job="${job}"}`, 'le')).toEqual([['+Inf', 1000], ['10', 55], ['100', 505]]);
    expect(await numbers(`kinds_size_bytes_sum{job="${job}"}`)).toEqual([[SUM]]);
    expect(await numbers(`kinds_size_bytes_count{job="${job}"}`)).toEqual([[1000]]);
    expect(await numbers(`kinds_open{job="${job}"} * on (job, instance) group_left (process_runtime_name) target_info`, 'process_runtime_name')).toEqual([['nodejs', 332]]);

    const now = Date.now() / 1000;
    const exemplars: { exemplars: { labels: { trace_id: string } }[] }[] = await ask('query_exemplars', { query: `kinds_size_bytes_bucket{job="${job}"}`, start: String(now - 600), end: String(now + 60) });
    const traces = new Set(exemplars.flatMap((series) => series.exemplars.map(({ labels }) => labels.trace_id)));
    expect(traces.size).toBe(1);
    await vi.waitFor(() => expect(new Set(readSpans(servers.collector, ({ resource }) => resource['service.name'] === job).map(({ traceId }) => traceId))).toEqual(traces), 45_000);
  });

  test('an exponential histogram is a native one', async () => {
    const job = await play({ ...backend(), ...EXPONENTIAL });
    await vi.waitFor(async () => expect(await query(`kinds_size_bytes{job="${job}"}`)).toHaveLength(1), { timeout: 45_000, interval: 200 });
    const [, { count, sum, buckets }] = (await query(`kinds_size_bytes{job="${job}"}`))[0]!.histogram!;
    expect([Number(count), Number(sum)]).toEqual([1000, SUM]);
    expect(buckets.reduce((total, [, , , within]) => total + Number(within), 0)).toBe(1000);
    const [[half]] = (await numbers(`histogram_quantile(0.5, kinds_size_bytes{job="${job}"})`)) as [[number]];
    expect(Math.abs(half - 100)).toBeLessThan(5);
  });
});

describeWithServices('the Collector', ['collector'], (servers) => {
  test.each(['grpc', 'http/protobuf', 'http/json'] as const)('%s: counter, gauge, both kinds of histograms', async (protocol) => {
    const endpoint = protocol === 'grpc' ? servers.collector.grpc : servers.collector.http;
    for (const exponential of [false, true]) {
      const service = await play({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: protocol, ...(exponential && EXPONENTIAL) });
      const points = await vi.waitFor(() => {
        const found = readPoints(servers.collector, ({ name, resource }) => name.startsWith('kinds.') && resource['service.name'] === service);
        expect(found.length).toBeGreaterThanOrEqual(5);
        return found;
      }, 45_000);
      const size = exponential ? { kind: 'exponentialHistogram', count: 1000, value: SUM } : { kind: 'histogram', count: 1000, value: SUM, explicitBounds: [10, 100], bucketCounts: [55, 450, 495] };
      expect(points.sort((a, b) => (a.name + JSON.stringify(a.attributes) < b.name + JSON.stringify(b.attributes) ? -1 : 1))).toMatchObject([
        { name: 'kinds.calls', kind: 'sum', unit: '{call}', value: 500, attributes: { parity: 'even' } },
        { name: 'kinds.calls', kind: 'sum', unit: '{call}', value: 500, attributes: { parity: 'odd' } },
        { name: 'kinds.level', kind: 'gauge', unit: '1', value: -4.5, attributes: { place: 'here' } },
        { name: 'kinds.open', kind: 'sum', value: 332 },
        { name: 'kinds.size', unit: 'By', ...size },
      ]);
    }
  });

  test.each(['grpc', 'http/protobuf', 'http/json'] as const)('%s: log records of every kind, and of a crash, as our own receiver has them', async (protocol) => {
    const receiver = await startReceiver();
    const dir = mkdtempSync(join(tmpdir(), 'logs-'));
    try {
      const service = `every-log-${process.pid}-${++run}`;
      const endpoint = protocol === 'grpc' ? servers.collector.grpc : servers.collector.http;
      const config = join(dir, 'otel-run.config.yaml');
      writeFileSync(config, `destinations:\n  collector:\n    endpoint: ${endpoint}\n    protocol: ${protocol}\n`);
      const env = { OTEL_SERVICE_NAME: service, OTEL_LOGS_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_RUN_DRAIN_UNREACHED: '8000' };
      const { exitCode } = await otelRun({ node, topology: 'parent', args: ['--config', config, node, everyLog], env });
      expect(exitCode).toBe(1);
      const expected = logsOf(receiver.requests).map(({ time, severity, ...record }) => ({ ...record, timeUnixNano: String(time), severityNumber: severity }));
      expect(expected).toHaveLength(14);
      const collected = await vi.waitFor(() => {
        const found = readLogs(servers.collector, ({ resource }) => resource['service.name'] === service);
        expect(found.length).toBeGreaterThanOrEqual(14);
        return found;
      }, 45_000);
      expect(collected).toEqual(expected);
      expect(collected.at(-1)).toMatchObject({ eventName: 'app.crash', severityText: 'FATAL', attributes: { 'exception.type': 'TypeError', 'exception.message': 'the end', 'process.exit.code': 1 } });
    } finally {
      await receiver.close();
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
