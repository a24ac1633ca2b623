/** What becomes of each signal by the answer of its backend: split, counted and said, asked for later. */
import { expect, onTestFinished, test } from 'vitest';
import { drain, makePlace, node, type Place } from '../export/runs.ts';
import { closedPort, startReceiver, type Receiver } from '../harness/receiver.ts';
import { otelRun, startOtelRun, type RunResult } from '../harness/run.ts';
import { missingOf, threeEnv, threeScript, threeSignals } from './three.ts';

const COUNT = 50;
const protocols = ['http/protobuf', 'http/json', 'grpc'] as const;
type Protocol = (typeof protocols)[number];

function makeTestPlace(): Place {
  const place = makePlace();
  onTestFinished(() => place.remove());
  return place;
}

async function receive(httpPort?: number): Promise<Receiver> {
  const receiver = await startReceiver(httpPort === undefined ? {} : { httpPort });
  onTestFinished(() => receiver.close());
  return receiver;
}

const envOf = (place: Place, protocol: Protocol, endpoint: string): Record<string, string> => ({
  ...place.env,
  ...threeEnv,
  OTEL_METRICS_EXPORTER: 'otlp',
  OTEL_LOGS_EXPORTER: 'otlp',
  OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
});
const run = (env: Record<string, string>): Promise<RunResult> => otelRun({ node, topology: 'parent', args: [node, threeScript, String(COUNT)], env });
const urlOf = (receiver: Receiver, protocol: Protocol): string => (protocol === 'grpc' ? receiver.grpcUrl : receiver.httpUrl);
const countOf = (receiver: Receiver, signal: string): number => receiver.requests.filter((request) => request.signal === signal && request.accepted).reduce((sum, { count }) => sum + count, 0);

test.each(protocols)('%s: requests that are too large are split, metrics by their points', async (protocol) => {
  const place = makeTestPlace();
  const receiver = await receive();
  receiver.misbehave({ kind: 'limit', items: 7 });
  const { stderr } = await run(envOf(place, protocol, urlOf(receiver, protocol)));
  expect([stderr, receiver.errors, place.kept()]).toEqual(['', [], []]);
  for (const signal of threeSignals) {
    const sizes = receiver.requests.filter((request) => request.signal === signal).map(({ count }) => count);
    expect(Math.max(...sizes)).toBeGreaterThanOrEqual(COUNT);
    expect(countOf(receiver, signal)).toBeGreaterThanOrEqual(COUNT);
    // In JSON nothing but their number is read here.
    if (protocol !== 'http/json') expect(missingOf(receiver, signal, COUNT)).toEqual([]);
  }
});

test('what was kept is split as well', async () => {
  const place = makeTestPlace();
  const port = await closedPort();
  const env = envOf(place, 'http/protobuf', `http://127.0.0.1:${port}`);
  await run(env);
  const receiver = await receive(port);
  receiver.misbehave({ kind: 'limit', items: 7 });
  expect(await drain(env)).toMatchObject({ exitCode: 0 });
  expect([threeSignals.map((signal) => missingOf(receiver, signal, COUNT)), place.kept()]).toEqual([[[], [], []], []]);
});

test.each(protocols)('%s: what a partial success rejects is counted and said, in the nouns of the signal', async (protocol) => {
  const place = makeTestPlace();
  const receiver = await receive();
  receiver.misbehave({ kind: 'partial', rejected: 3, message: 'three are too old' });
  const { stderr } = await run(envOf(place, protocol, urlOf(receiver, protocol)));
  for (const noun of ['spans', 'metric points', 'log records']) expect(stderr).toMatch(new RegExp(`\\d+ ${noun} for \\S+ lost: refused by the backend: three are too old`));
  expect(place.kept()).toEqual([]);
});

test.each(['http/protobuf', 'grpc'] as const)('%s: a backend that says when to come back is not asked before, and then gets everything', async (protocol) => {
  const place = makeTestPlace();
  const receiver = await receive();
  receiver.misbehave({ kind: 'status', status: 429, grpc: 14, retryAfterMs: 2000, times: 3 });
  const env = { ...envOf(place, protocol, urlOf(receiver, protocol)), OTEL_METRIC_EXPORT_INTERVAL: '100' };
  const program = startOtelRun({ node, topology: 'parent', args: [node, threeScript, String(COUNT), '15000'], env });
  await receiver.waitForRequests(() => threeSignals.every((signal) => missingOf(receiver, signal, COUNT).length === 0), 20_000);
  program.kill('SIGTERM');
  const { stderr } = await program.ended;
  expect(stderr.split('\n').filter((line) => !/trying again/.test(line))).toEqual(['']);
  for (const signal of threeSignals) {
    const [first, second] = receiver.requests.filter((request) => request.signal === signal);
    expect(first!.accepted).toBe(false);
    // Less what a clock may differ from the other.
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(1900);
  }
});
