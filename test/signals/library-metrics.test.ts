/** What is measured of databases and messaging, with real servers. */
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { nodes } from '../harness/nodes.ts';
import { pointsOf, type ReceivedPoint } from '../harness/otlp-signals.ts';
import { startReceiver, type Receiver } from '../harness/receiver.ts';
import { otelRun, startOtelRun } from '../harness/run.ts';
import { describeWithServices } from '../services/index.ts';

// An exporter beside the application gives way to it, and to everything else on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

beforeAll(() => ensureApps(['main', 'redis6', 'ioredis6']), 300_000);

const at = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const OPERATIONS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
const node = nodes.node24!;

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

const env = (more: Record<string, string> = {}): Record<string, string> => ({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_METRICS_EXPORTER: 'otlp', OTEL_RUN_DRAIN_UNREACHED: '8000', ...more });
const last = (name: string): ReceivedPoint[] =>
  [...new Map(pointsOf(receiver.requests).filter((point) => point.name === name).map((point) => [JSON.stringify(point.attributes), point])).values()];

/** Runs the program, and has its operations by name and failure with how often each was measured. */
async function operationsOf(app: string, more: Record<string, string>): Promise<string[]> {
  receiver.requests.length = 0;
  const { stdout } = await otelRun({ node, args: [node, at(`apps/${app}.cjs`)], env: env(more), timeoutMs: 110_000 });
  expect(stdout).toContain('done');
  await receiver.waitForRequests(() => last('db.client.operation.duration').length > 0, 45_000);
  const found = last('db.client.operation.duration');
  for (const { unit, kind, bounds, attributes } of found) {
    expect({ unit, kind, bounds }).toEqual({ unit: 's', kind: 'histogram', bounds: OPERATIONS });
    expect(JSON.stringify(attributes)).not.toMatch(/planted/);
  }
  return found.map(({ attributes, count }) => `${String(attributes['db.operation.name'])} ${String(attributes['error.type'] ?? '-')} ${count}`).sort();
}

/** What the spans of the same run say. */
function operationSpans(): string[] {
  const sums = new Map<string, number>();
  for (const { kind, name, attributes } of receiver.spans) {
    if (kind !== 'client' || /connect$/.test(name)) continue;
    const operation = attributes['db.operation.name'] ?? /^\W*(\w+)/.exec(String(attributes['db.query.text']))![1]!.toUpperCase();
    const key = `${operation} ${attributes['error.type'] ?? '-'}`;
    sums.set(key, (sums.get(key) ?? 0) + 1);
  }
  return [...sums].map(([key, count]) => `${key} ${count}`).sort();
}

describeWithServices('databases', ['postgres', 'redis'], (servers) => {
  test.each([
    ['main/postgres', 'postgresql', 25],
    ['redis6/commands', 'redis', 18],
    ['ioredis6/commands', 'redis', 23],
  ])('%s: each operation is measured once, sampled or not', async (app, system, least) => {
    const where = { DATABASE_URL: servers.postgres.url, REDIS_URL: servers.redis.url, KEY: `measured-${app}` };
    const sampled = await operationsOf(app, where);
    await receiver.waitForSpans((spans) => spans.length > least);
    expect(sampled).toEqual(operationSpans());
    expect(sampled.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)).toBeGreaterThanOrEqual(least);
    expect(last('db.client.operation.duration')[0]!.attributes).toMatchObject({ 'db.system.name': system, 'server.address': expect.any(String), 'server.port': expect.any(Number) });
    expect(await operationsOf(app, { ...where, OTEL_TRACES_SAMPLER: 'always_off' })).toEqual(sampled);
    expect(await operationsOf(app, { ...where, OTEL_TRACES_EXPORTER: 'none' })).toEqual(sampled);
  });

  test('pools of pg say themselves what they hold', async () => {
    const { host, port, database } = servers.postgres;
    const program = startOtelRun({ node, topology: 'replace', args: [node, at('apps/main/pools.cjs')], env: env({ DATABASE_URL: servers.postgres.url, OTEL_METRIC_EXPORT_INTERVAL: '300' }), timeoutMs: 110_000 });
    const state = (): Record<string, number> =>
      Object.fromEntries(['count', 'pending_requests', 'max'].flatMap((name) => last(`db.client.connection.${name}`).map(({ attributes, value }) => [`${String(attributes['db.client.connection.pool.name'])} ${String(attributes['db.client.connection.state'] ?? name)}`, value])));
    const [one, other] = [`${host}:${port}/${database}`, `${host}:${port}/template1`];
    await program.said('borrowed');
    // Two pools of one name are one; another's figures are its own.
    const busy = { [`${one} used`]: 3, [`${one} idle`]: 1, [`${one} pending_requests`]: 2, [`${one} max`]: 6, [`${other} used`]: 1, [`${other} idle`]: 0, [`${other} pending_requests`]: 0, [`${other} max`]: 3 };
    await receiver.waitForRequests(() => JSON.stringify(Object.entries(state()).sort()) === JSON.stringify(Object.entries(busy).sort()), 45_000).catch(() => expect(state()).toEqual(busy));
    program.kill('SIGUSR2');
    await program.said('ended');
    await receiver.waitForRequests(() => Object.values(state()).every((value) => value === 0), 45_000).catch(() => expect(Object.values(state()).filter((value) => value !== 0)).toEqual([]));
    program.kill('SIGTERM');
    await program.ended;
    const units = new Set(pointsOf(receiver.requests).filter(({ name }) => name.startsWith('db.client.connection.')).map(({ name, unit, kind, monotonic }) => `${name} ${unit} ${kind} ${monotonic}`));
    expect([...units].sort()).toEqual(['db.client.connection.count {connection} sum false', 'db.client.connection.max {connection} sum false', 'db.client.connection.pending_requests {request} sum false']);
  });
});

describeWithServices('messaging', ['kafka'], (servers) => {
  test('kafkajs: messages sent and consumed, with the units of the conventions', async () => {
    const topic = `measured-${Date.now()}`;
    const { stdout } = await otelRun({ node, args: [node, at('apps/main/kafka.cjs')], env: env({ KAFKA_BROKERS: servers.kafka.brokers.join(','), KAFKAJS_NO_PARTITIONER_WARNING: '1', TOPIC: topic }), timeoutMs: 110_000 });
    expect(stdout).toContain('done');
    await receiver.waitForRequests(() => last('messaging.process.duration').length > 0, 45_000);
    const described = new Set(pointsOf(receiver.requests).filter(({ name }) => name.startsWith('messaging.')).map(({ name, unit, kind }) => `${name} ${unit} ${kind}`));
    expect([...described].sort()).toEqual(['messaging.client.consumed.messages {message} sum', 'messaging.client.operation.duration s histogram', 'messaging.client.sent.messages {message} sum', 'messaging.process.duration s histogram']);
    const of = (name: string, value: (point: ReceivedPoint) => number): Record<string, number> =>
      Object.fromEntries(last(name).map((point) => [`${String(point.attributes['messaging.destination.name']).replace(`${topic}-`, '')} ${String(point.attributes['error.type'] ?? '-')}`, value(point)]));
    expect(of('messaging.client.sent.messages', ({ value }) => value)).toMatchObject({ 'single -': 1, 'batch -': 2, 'many -': 2, 'failing -': 1, 'transaction -': 1 });
    expect(of('messaging.process.duration', ({ count }) => count)).toMatchObject({ 'single -': 1, 'batch -': 2, 'many -': 2, 'failing -': 1, 'failing Error': 1 });
  });
});
