/** What otel-run says of itself, as metrics and to `otel-run status`: the figures are the receiver's. */
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import { pointsOf, type ReceivedPoint } from '../harness/otlp-signals.ts';
import { closedPort, startReceiver, type Receiver } from '../harness/receiver.ts';
import { otelRun } from '../harness/run.ts';
import { makePlace, runNumbered, startNumbered, type Place } from '../export/runs.ts';

const node = nodes.node24!;
let receiver: Receiver;
let place: Place;
beforeEach(async () => {
  receiver = await startReceiver();
  place = makePlace();
});
afterEach(async () => {
  await receiver.close();
  place.remove();
});

const env = (more: Record<string, string> = {}): Record<string, string> => ({ ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_RUN_DRAIN_UNREACHED: '8000', ...more });
const metricRequests = () => receiver.requests.filter(({ signal, accepted }) => signal === 'metrics' && accepted);
/** The last point of each of our own series. */
function own(name: string, words: Record<string, string>): ReceivedPoint[] {
  const last = new Map<string, ReceivedPoint>();
  for (const point of pointsOf(receiver.requests)) {
    if (point.name === name && Object.entries(words).every(([key, value]) => point.attributes[key] === value)) last.set(JSON.stringify(point.attributes), point);
  }
  return [...last.values()];
}
const values = (name: string, words: Record<string, string>): number[] => own(name, words).map(({ value }) => value);

describe.each(['parent', 'replace'] as const)('%s', (topology) => {
  test('the last points tell what became of everything', async () => {
    receiver.misbehave({ kind: 'partial', rejected: 7, message: 'seven are too old', times: 1 });
    await runNumbered([1, 100, 'wait', 800], env({ OTEL_METRICS_EXPORTER: 'otlp' }), topology);
    const traces = { 'otelrun.signal': 'traces', 'otelrun.destination': `${receiver.httpUrl}/v1/traces` };
    await vi.waitFor(() => expect(values('otelrun.items.delivered', traces)).toEqual([93]), 10_000);
    expect(receiver.missing(100)).toHaveLength(7);
    expect(own('otelrun.items.dropped', traces)).toMatchObject([{ value: 7, unit: '{item}', monotonic: true, attributes: { 'otelrun.reason': 'refused by the backend: seven are too old' } }]);
    expect([values('otelrun.items.kept', traces), values('otelrun.items.waiting', traces), values('otelrun.exporter.restarts', {})]).toEqual([[0], [0], [0]]);
    const requests = receiver.requests.filter(({ signal }) => signal === 'traces').length;
    expect(own('otelrun.export.duration', traces)).toMatchObject([{ kind: 'histogram', unit: 's', count: requests }]);
    expect(own('otelrun.export.duration', traces)[0]!.counts.reduce((sum, count) => sum + count)).toBe(requests);
    // Of points it tells those that had been delivered before.
    const before = pointsOf(metricRequests().slice(0, -1)).length;
    expect(values('otelrun.items.delivered', { 'otelrun.signal': 'metrics' })).toEqual([before]);
    expect(values('otelrun.exporter.memory.usage', {})[0]).toBeGreaterThan(10 * 2 ** 20);
    expect(values('otelrun.exporter.cpu.time', {})[0]).toBeGreaterThan(0);
    expect(values('otelrun.spool.limit', {})[0]).toBeGreaterThan(2 ** 20);
    expect(receiver.errors).toEqual([]);
  });

  test('their resource is the application, and an instance of its own', async () => {
    await runNumbered([1, 10], env({ OTEL_METRICS_EXPORTER: 'otlp', OTEL_SERVICE_NAME: 'shop' }), topology);
    await vi.waitFor(() => expect(values('otelrun.items.delivered', { 'otelrun.signal': 'traces' })).toEqual([10]), 10_000);
    const [ours] = own('otelrun.exporter.restarts', {});
    const [theirs] = pointsOf(receiver.requests).filter(({ name }) => name === 'process.uptime');
    expect(ours!.resource).toMatchObject({ 'service.name': 'shop', 'host.name': theirs!.resource['host.name'], 'telemetry.distro.name': 'otel-run' });
    expect(ours!.resource['service.instance.id']).not.toBe(theirs!.resource['service.instance.id']);
    expect(ours!.scope).toBe('otel-run');
  });

  test('status gives the figures of a run that lives, and nothing of one that has ended', async () => {
    const program = startNumbered([1, 100, 'stay'], env(), topology);
    await program.said('ready');
    await receiver.waitForSpans(100);
    const ask = async () => JSON.parse((await otelRun({ node, args: ['status', '--json'], env: env() })).stdout) as { destinations: unknown[]; writers: number[]; topology: string }[];
    const destination = { name: `${receiver.httpUrl}/v1/traces`, kind: 'otlp', signal: 'traces', produced: 100, delivered: 100, kept: 0, dropped: {}, waiting: 0, failure: null };
    await vi.waitFor(async () => expect(await ask()).toMatchObject([{ version: 1, topology, destinations: [destination] }]), { timeout: 10_000, interval: 300 });
    const [socket] = readdirSync(place.spool, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('status/socket'));
    expect([statSync(join(place.spool, socket!)).mode & 0o777, statSync(join(place.spool, socket!, '..')).mode & 0o777]).toEqual([0o600, 0o700]);
    const words = await otelRun({ node, args: ['status'], env: env() });
    expect(words).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringMatching(/^.*process \d+, for .*\n {2}exporter \d+ \((parent|replace)\): .*\n {2}traces +http:\S+: 100 spans delivered; \d+ requests? of .*\n$/) });
    program.kill('SIGTERM');
    await program.ended;
    await vi.waitFor(async () => expect(await ask()).toEqual([]), { timeout: 10_000, interval: 300 });
  });
});

test('what it costs and delivers is not sent where it is not wanted, nor where no metrics are exported', async () => {
  await runNumbered([1, 10], env({ OTEL_METRICS_EXPORTER: 'otlp', OTEL_RUN_OWN_METRICS: 'false' }));
  expect(metricRequests().length).toBeGreaterThan(0);
  expect(pointsOf(receiver.requests).filter(({ name }) => name.startsWith('otelrun.'))).toEqual([]);
  receiver.clear();
  await runNumbered([1, 10], env());
  expect(metricRequests()).toEqual([]);
});

test('deltas are of what came since', async () => {
  const program = startNumbered([1, 100, 'linger', 101, 150], env({ OTEL_METRICS_EXPORTER: 'otlp', OTEL_METRIC_EXPORT_INTERVAL: '300', OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta' }));
  const delivered = (): number[] => pointsOf(receiver.requests).filter(({ name, attributes }) => name === 'otelrun.items.delivered' && attributes['otelrun.signal'] === 'traces').map(({ value }) => value);
  await vi.waitFor(() => expect(delivered().reduce((sum, value) => sum + value, 0)).toBe(100), 10_000);
  program.kill('SIGTERM');
  await receiver.waitForSpans(150);
  program.kill('SIGTERM');
  await program.ended;
  expect(delivered().reduce((sum, value) => sum + value, 0)).toBe(150);
});

test('a page for Prometheus shows them', async () => {
  const port = await closedPort();
  const program = startNumbered([1, 100, 'stay'], env({ OTEL_METRICS_EXPORTER: 'prometheus', OTEL_EXPORTER_PROMETHEUS_PORT: String(port) }));
  await program.said('ready');
  await receiver.waitForSpans(100);
  await vi.waitFor(async () => expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toMatch(/^otelrun_items_delivered_total\{.*otelrun_signal="traces".*\} 100$/m), { timeout: 10_000, interval: 300 });
  program.kill('SIGTERM');
  await program.ended;
});

test('a backend that is down: status says why, and what waits', async () => {
  const program = startNumbered([1, 100, 'stay'], { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await closedPort()}` });
  await program.said('ready');
  await vi.waitFor(async () => expect((await otelRun({ node, args: ['status'], env: place.env })).stdout).toMatch(/0 spans delivered, 100 waiting; .*\n +failing: connection refused/), { timeout: 10_000, interval: 300 });
  program.kill('SIGTERM');
  await program.ended;
});

test('a spool of a long path can be asked too; an exporter that is stopped is named; without any it says so', async () => {
  const long = join(place.home, 'x'.repeat(90));
  mkdirSync(long);
  const there = env({ OTEL_RUN_SPOOL_DIR: long });
  const program = startNumbered([1, 10, 'stay'], there, 'parent');
  await program.said('ready');
  await receiver.waitForSpans(10);
  expect((await otelRun({ node, args: ['status'], env: there })).stdout).toContain('10 spans delivered');
  program.kill('SIGSTOP');
  const silent = await otelRun({ node, args: ['status'], env: there }).finally(() => program.kill('SIGCONT'));
  expect(silent).toMatchObject({ exitCode: 0, stdout: '', stderr: `otel-run: the exporter in process ${program.pid} does not answer: is it stopped?\n` });
  program.kill('SIGTERM');
  await program.ended;
  expect((await otelRun({ node, args: ['status'], env: there })).stdout).toBe('No otel-run of this user is exporting here.\n');
});
