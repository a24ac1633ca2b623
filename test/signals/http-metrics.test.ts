/** What is measured of HTTP, against the stable semantic conventions. */
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import { pointsOf, type ReceivedPoint } from '../harness/otlp-signals.ts';
import { closedPort, startReceiver, type Receiver } from '../harness/receiver.ts';
import { otelRun, startOtelRun } from '../harness/run.ts';

// An exporter beside the application gives way to it, and to everything else on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/signals/${name}`, import.meta.url));
const DURATIONS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

const env = (more: Record<string, string> = {}): Record<string, string> => ({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_METRICS_EXPORTER: 'otlp', ...more });
const points = (name: string): ReceivedPoint[] => pointsOf(receiver.requests).filter((point) => point.name === name);
/** Of each series its last point. */
const last = (name: string): ReceivedPoint[] => [...new Map(points(name).map((point) => [point.scope + JSON.stringify(point.attributes), point])).values()];
const active = (): number => last('http.server.active_requests').reduce((sum, { value }) => sum + value, 0);

test.each(['node20min', 'node26'] as const)('%s: requests that are being answered are counted, and not those that were given up', async (name) => {
  const node = nodes[name]!;
  const topology = name === 'node26' ? 'replace' : 'parent';
  const program = startOtelRun({ node, topology, args: [node, fixture('given-up.cjs')], env: env({ OTEL_METRIC_EXPORT_INTERVAL: '300' }), timeoutMs: 110_000 });
  await program.said('three wait');
  await receiver.waitForRequests(() => active() === 3, 45_000);
  expect(last('http.server.active_requests')).toMatchObject([{ kind: 'sum', monotonic: false, unit: '{request}', attributes: { 'http.request.method': 'GET', 'url.scheme': 'http' } }]);
  program.kill('SIGUSR2');
  await program.said('all over');
  await receiver.waitForRequests(() => active() === 0 && last('http.server.request.duration').reduce((sum, { count }) => sum + count, 0) === 9, 45_000);
  program.kill('SIGTERM');
  await program.ended;

  const outcomes = last('http.server.request.duration').map(({ attributes, count }) => `${String(attributes['http.response.status_code'] ?? '-')} ${String(attributes['error.type'] ?? '-')} ${count}`);
  expect(outcomes.sort()).toEqual(['- aborted 2', '200 - 1', '200 Error 1', '200 aborted 4', '503 503 1'].sort());
});

test.each(['node20min', 'node26'] as const)('%s: requests that wait for their answer are counted, and not those that were broken off', async (name) => {
  const node = nodes[name]!;
  const topology = name === 'node26' ? 'replace' : 'parent';
  const program = startOtelRun({ node, topology, args: [node, fixture('asks-slowly.cjs')], env: env({ OTEL_METRIC_EXPORT_INTERVAL: '300' }), timeoutMs: 110_000 });
  const waiting = (): string[] => last('http.client.active_requests').map(({ scope, value, attributes }) => `${scope.replace('@opentelemetry/instrumentation-', '')} ${value} ${Object.keys(attributes).sort().join()}`).sort();
  await program.said('asked');
  const both = (http: number, undici: number): string[] => [['http', http], ['undici', undici]].map((words) => `${words.join(' ')} http.request.method,server.address,server.port`);
  await receiver.waitForRequests(() => waiting().join() === both(3, 2).join(), 45_000).catch(() => expect(waiting()).toEqual(both(3, 2)));
  program.kill('SIGUSR2');
  await program.said('all over');
  await receiver.waitForRequests(() => waiting().join() === both(0, 0).join(), 45_000).catch(() => expect(waiting()).toEqual(both(0, 0)));
  expect(active()).toBe(0);
  program.kill('SIGTERM');
  await program.ended;
});

test('names, units, attributes and boundaries are those of the conventions', async () => {
  await otelRun({ node: nodes.node24!, args: [nodes.node24!, fixture('asks.cjs'), String(await closedPort())], env: env() });
  await receiver.waitForRequests((requests) => pointsOf(requests).some(({ name }) => name === 'http.client.request.duration'), 45_000);
  const found = [...last('http.server.request.duration'), ...last('http.client.request.duration')];
  for (const { unit, kind, bounds, attributes } of found) {
    expect({ unit, kind, bounds }).toEqual({ unit: 's', kind: 'histogram', bounds: DURATIONS });
    // Neither a path nor what a client says of itself.
    expect(JSON.stringify(attributes)).not.toMatch(/planted/);
  }
  const described = (name: string): string[] => last(name).map(({ attributes, scope, count }) => `${scope.replace('@opentelemetry/instrumentation-', '')} ${count} ${Object.entries(attributes).filter(([key]) => key !== 'server.port').map((entry) => entry.join('=')).sort().join(' ')}`).sort();
  expect(described('http.server.request.duration')).toEqual([
    'http 1 error.type=500 http.request.method=GET http.response.status_code=500 network.protocol.version=1.1 url.scheme=http',
    'http 1 error.type=500 http.request.method=POST http.response.status_code=500 network.protocol.version=1.1 url.scheme=http',
    'http 2 http.request.method=GET http.response.status_code=200 network.protocol.version=1.1 url.scheme=http',
  ]);
  expect(described('http.client.request.duration')).toEqual([
    'http 1 error.type=400 http.request.method=_OTHER http.response.status_code=400 network.protocol.version=1.1 server.address=127.0.0.1',
    'http 1 error.type=500 http.request.method=GET http.response.status_code=500 network.protocol.version=1.1 server.address=127.0.0.1',
    'http 1 error.type=ECONNREFUSED http.request.method=GET server.address=127.0.0.1',
    'http 1 http.request.method=GET http.response.status_code=200 network.protocol.version=1.1 server.address=127.0.0.1',
    'undici 1 error.type=500 http.request.method=POST http.response.status_code=500 network.protocol.version=1.1 server.address=127.0.0.1 url.scheme=http',
    'undici 1 error.type=ECONNREFUSED http.request.method=GET server.address=127.0.0.1 url.scheme=http',
    'undici 1 http.request.method=GET http.response.status_code=200 network.protocol.version=1.1 server.address=127.0.0.1 url.scheme=http',
  ]);
});
