/** What an application finishes arrives as it is, once, by every protocol, plain and compressed, over TLS and with a header that is asked for. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeCertificates, startReceiver, type Receiver, type ReceiverOptions } from '../harness/receiver.ts';
import { makePlace, runNumbered, topologies, until, type Place } from './runs.ts';

const pem = mkdtempSync(join(tmpdir(), 'pem-'));
const certificates = makeCertificates(pem);
afterAll(() => rmSync(pem, { recursive: true }));

let place: Place;
let receiver: Receiver;
beforeEach(() => void (place = makePlace()));
afterEach(async () => {
  await receiver.close();
  place.remove();
});

interface Way {
  readonly name: string;
  readonly receiver?: ReceiverOptions;
  readonly env?: Readonly<Record<string, string>>;
}

const ways: readonly Way[] = [
  { name: 'plain' },
  { name: 'gzip', env: { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' } },
  {
    name: 'TLS, a CA and a header',
    receiver: { tls: { cert: certificates.cert, key: certificates.key }, requireHeader: { name: 'x-token', value: 'sesame 17' } },
    env: { OTEL_EXPORTER_OTLP_CERTIFICATE: certificates.ca, OTEL_EXPORTER_OTLP_HEADERS: 'x-token=sesame%2017' },
  },
  {
    name: 'TLS that asks for a certificate, and gzip',
    receiver: { tls: { cert: certificates.cert, key: certificates.key, clientCa: certificates.ca } },
    env: {
      OTEL_EXPORTER_OTLP_CERTIFICATE: certificates.ca,
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: certificates.clientCert,
      OTEL_EXPORTER_OTLP_CLIENT_KEY: certificates.clientKey,
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    },
  },
];

/** What is sent is the matter here, not how long the end may take on a busy machine. */
const patient = { OTEL_RUN_DRAIN_UNREACHED: '20000', OTEL_RUN_DRAIN_BAD: '10000' };

describe.each(['http/protobuf', 'http/json', 'grpc'])('%s', (protocol) => {
  test.each(ways)('$name', async ({ receiver: options, env, name }) => {
    receiver = await startReceiver(options);
    const { stderr, exitCode } = await runNumbered([1, 1300], {
      ...place.env,
      ...patient,
      OTEL_EXPORTER_OTLP_ENDPOINT: protocol === 'grpc' ? receiver.grpcUrl : receiver.httpUrl,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      ...env,
    });
    expect({ stderr, exitCode, missing: receiver.missing(1300), twice: receiver.twice(), errors: receiver.errors }).toEqual({ stderr: '', exitCode: 0, missing: [], twice: [], errors: [] });
    expect(receiver.requests.length).toBeGreaterThanOrEqual(3); // 512 spans in one at most
    expect(receiver.requests.every((request) => request.accepted && (protocol === 'grpc' || request.gzip === name.includes('gzip')))).toBe(true);
    expect(receiver.requests.every((request) => request.contentType === { 'http/protobuf': 'application/x-protobuf', 'http/json': 'application/json', grpc: 'application/grpc' }[protocol])).toBe(true);
    expect(receiver.spans.find(({ attributes }) => attributes['test.n'] === 7)).toMatchObject({ name: 'span 7', kind: 'internal', scope: { name: 'numbered' } });
    expect([place.runs(), place.kept()]).toEqual([[], []]);
  });
});

test.each([['none', (wire: number, body: number) => wire > body], ['gzip', (wire: number, body: number) => wire < body / 2]] as const)('gRPC with compression %s, as the wire shows it', async (compression, holds) => {
  receiver = await startReceiver();
  let wire = 0;
  const proxy = createServer((client) => {
    const server = connect(Number(new URL(receiver.grpcUrl).port), '127.0.0.1');
    client.on('data', (bytes) => (wire += bytes.length)).on('error', () => {}).pipe(server);
    server.on('error', () => {}).pipe(client);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo;
  await runNumbered([1, 2000], { ...place.env, ...patient, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_COMPRESSION: compression });
  expect(receiver.missing(2000)).toEqual([]);
  expect(holds(wire, receiver.requests.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0))).toBe(true);
  proxy.close();
});

test.each(topologies)('requests stay below 4 MiB before compression, whatever the batch size (%s)', async (topology) => {
  receiver = await startReceiver();
  const env = { ...place.env, ...patient, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1000000', OTEL_RUN_SPOOL_SIZE: '64MiB' };
  const { exitCode } = await runNumbered([1, 60_000], env, topology);
  await until(() => receiver.missing(60_000).length, (missing) => missing === 0, 25_000);
  expect(exitCode).toBe(0);
  expect(receiver.spans).toHaveLength(60_000);
  expect(Math.max(...receiver.requests.map(({ bodyBytes }) => bodyBytes))).toBeLessThan(4 * 1024 * 1024);
  expect(receiver.requests.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0)).toBeGreaterThan(4 * 1024 * 1024);
});
