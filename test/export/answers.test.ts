/** What an answer means, for each signal and protocol. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createOtlpGrpcExporter } from '../../src/export/otlp-grpc.ts';
import { createOtlpHttpExporter } from '../../src/export/otlp-http.ts';
import { buildRequest } from '../../src/export/request.ts';
import type { ExportOutcome } from '../../src/export/types.ts';
import type { SignalName } from '../../src/plan/types.ts';
import { startReceiver, type Misbehaviour, type Receiver } from '../harness/receiver.ts';

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.close());

/** One item of which nothing is said. */
const body = buildRequest([{ resource: Buffer.alloc(0), scope: Buffer.alloc(0), items: Buffer.from([0x12, 0]), count: 1 }]);

const signals: readonly SignalName[] = ['traces', 'metrics', 'logs'];
const protocols = ['http/protobuf', 'http/json', 'grpc'] as const;

async function send(protocol: (typeof protocols)[number], signal: SignalName, how: Misbehaviour): Promise<ExportOutcome> {
  const make = protocol === 'grpc' ? createOtlpGrpcExporter : createOtlpHttpExporter;
  const url = protocol === 'grpc' ? receiver.grpcUrl : `${receiver.httpUrl}/v1/${signal}`;
  const exporter = make({ kind: 'otlp', signal, protocol, url, headers: {}, timeoutMs: 10_000, compression: 'none', tls: {}, undelivered: 'keep' });
  onTestFinished(async () => {
    receiver.behave();
    await exporter.close();
  });
  receiver.misbehave(how);
  return exporter.export({ signal, count: 1, body }, new AbortController().signal);
}

const reason: unknown = expect.any(String);
const answers: Record<string, readonly [Misbehaviour, ExportOutcome]> = {
  'busy until then (429 with Retry-After, RESOURCE_EXHAUSTED with RetryInfo)': [{ kind: 'status', status: 429, grpc: 8, retryAfterMs: 2000 }, { kind: 'retry', reason: reason as string, afterMs: 2000 }],
  'away until then (503 with Retry-After, UNAVAILABLE with RetryInfo)': [{ kind: 'status', status: 503, grpc: 14, retryAfterMs: 3000 }, { kind: 'retry', reason: reason as string, afterMs: 3000 }],
  away: [{ kind: 'status', status: 503, grpc: 14 }, { kind: 'retry', reason: reason as string }],
  'too large (413, RESOURCE_EXHAUSTED)': [{ kind: 'limit', items: 0 }, { kind: 'too-large', reason: reason as string }],
  'some refused': [{ kind: 'partial', rejected: 3, message: 'three are too old' }, { kind: 'delivered', rejected: 3, message: 'three are too old' }],
  'none refused, and a warning': [{ kind: 'partial', rejected: 0, message: 'hm' }, { kind: 'delivered', rejected: 0, message: 'hm' }],
  refused: [{ kind: 'status', status: 400, grpc: 3, body: 'no', message: 'no' }, { kind: 'refused', reason: reason as string }],
};

describe.each(protocols)('%s', (protocol) => {
  test.each(signals.flatMap((signal) => Object.entries(answers).map(([what, [how, outcome]]) => [signal, what, how, outcome] as const)))('%s: %s', async (signal, _, how, outcome) => {
    expect(await send(protocol, signal, how)).toEqual(outcome);
  });
});

test.each(signals)('%s: Retry-After as a date', async (signal) => {
  const date = new Date(Date.now() + 30_000).toUTCString();
  const outcome = await send('http/protobuf', signal, { kind: 'status', status: 503, headers: { 'retry-after': date } });
  expect(outcome).toMatchObject({ kind: 'retry' });
  expect((outcome as { afterMs: number }).afterMs).toBeGreaterThan(20_000);
  expect((outcome as { afterMs: number }).afterMs).toBeLessThanOrEqual(30_000);
});
