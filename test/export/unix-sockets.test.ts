/** OTLP to a unix socket, as an agent beside the application offers one: by HTTP and gRPC, all signals. */
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startReceiver, type Receiver } from '../harness/receiver.ts';
import { otelRun, type RunResult } from '../harness/run.ts';
import { drain, makePlace, node, type Place } from './runs.ts';
import { keptOf, missingOf, threeEnv, threeScript, threeSignals } from '../signals/three.ts';

const COUNT = 20;
const protocols = ['http/protobuf', 'grpc'] as const;
type Protocol = (typeof protocols)[number];

function makeTestPlace(): Place {
  const place = makePlace();
  onTestFinished(() => place.remove());
  return place;
}

async function receive(): Promise<Receiver> {
  const receiver = await startReceiver();
  onTestFinished(() => receiver.close());
  return receiver;
}

/** A socket in the file system that leads to the receiver. */
async function listenAt(path: string, receiver: Receiver, protocol: Protocol): Promise<Server> {
  const port = Number(new URL(protocol === 'grpc' ? receiver.grpcUrl : receiver.httpUrl).port);
  const server = createServer((client) => {
    const backend = connect(port, '127.0.0.1');
    client.on('error', () => {}).on('close', () => backend.destroy()).pipe(backend);
    backend.on('error', () => {}).on('close', () => client.destroy()).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
  return server;
}

const envOf = (place: Place, protocol: Protocol, path: string): Record<string, string> => ({
  ...place.env,
  ...threeEnv,
  OTEL_METRICS_EXPORTER: 'otlp',
  OTEL_LOGS_EXPORTER: 'otlp',
  OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
  OTEL_EXPORTER_OTLP_ENDPOINT: `unix://${path}`,
});
const run = (env: Record<string, string>): Promise<RunResult> => otelRun({ node, topology: 'parent', args: [node, threeScript, String(COUNT)], env });
const missing = (receiver: Receiver): number[][] => threeSignals.map((signal) => missingOf(receiver, signal, COUNT));

test.each(protocols)('%s: all signals arrive; no proxy is asked for', async (protocol) => {
  const place = makeTestPlace();
  const receiver = await receive();
  const path = join(place.home, 'otel run.sock');
  await listenAt(path, receiver, protocol);
  const result = await run({ ...envOf(place, protocol, path), ALL_PROXY: 'http://127.0.0.1:1' });
  expect([result.stderr, missing(receiver), receiver.errors, place.kept()]).toEqual(['', [[], [], []], [], []]);
  if (protocol !== 'grpc') expect([...new Set(receiver.requests.map((request) => request.path))].sort()).toEqual(['/v1/logs', '/v1/metrics', '/v1/traces']);
});

test.each(protocols)('%s: a socket that is not there is said, and gets what is kept when it is', async (protocol) => {
  const place = makeTestPlace();
  const path = join(place.home, 'otel.sock');
  const env = envOf(place, protocol, path);
  const result = await run(env);
  expect(result.stderr.trimEnd().split('\n')).toEqual([expect.stringContaining(`20 spans for unix://${path} kept for the next run or \`otel-run drain\`: there is no such socket: is the backend running?`)]);
  expect(threeSignals.map((signal) => keptOf(place, signal) >= COUNT)).toEqual([true, true, true]);
  const receiver = await receive();
  await listenAt(path, receiver, protocol);
  expect(await drain(env)).toMatchObject({ exitCode: 0, stderr: expect.stringContaining(`20 spans sent to unix://${path}, nothing is left`) as unknown });
  expect([missing(receiver), place.kept()]).toEqual([[[], [], []], []]);
});
