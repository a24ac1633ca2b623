import { createServer, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { droppedCount, type DestinationSummary, type Summary } from '../../src/export/summary.ts';
import { closedPort, makeCertificates, startReceiver, type Receiver, type ReceiverOptions } from '../harness/receiver.ts';
import { makeRoom, otlp, until } from './room.ts';

async function receive(options: ReceiverOptions = {}): Promise<Receiver> {
  const receiver = await startReceiver(options);
  onTestFinished(() => receiver.close());
  return receiver;
}

/** The traces of a summary, with the invariant checked against what the writer wrote. */
function account(summary: Summary, produced: number): DestinationSummary {
  const traces = summary.signals.traces!;
  expect(traces.delivered + traces.kept + droppedCount(traces)).toBe(produced);
  expect(traces.produced).toBe(produced);
  return traces;
}

describe.each([
  ['http/protobuf', 'none'],
  ['http/protobuf', 'gzip'],
  ['http/json', 'gzip'],
  ['grpc', 'none'],
  ['grpc', 'gzip'],
] as const)('%s, compression %s', (protocol, compression) => {
  test('what several processes write arrives whole, once, and under its own resource and scope', async () => {
    const room = makeRoom();
    const receiver = await receive();
    const exporter = room.supervise(room.plan({ destinations: [otlp(protocol === 'grpc' ? receiver.grpcUrl : receiver.httpUrl, { protocol, compression })] }));
    await Promise.all([room.write({ from: 1, to: 700, service: 'one', scopes: 3 }), room.write({ from: 701, to: 1000, service: 'two' })]);
    const summary = await exporter.drain();
    expect(account(summary, 1000)).toMatchObject({ delivered: 1000, failure: null });
    expect(receiver.missing(1000)).toEqual([]);
    expect(receiver.twice()).toEqual([]);
    for (const span of receiver.spans) {
      const n = Number(span.attributes['test.n']);
      expect([span.name, span.resource['service.name'], span.scope.name]).toEqual([`span ${n}`, n <= 700 ? 'one' : 'two', n <= 700 ? `scope ${n % 3}` : 'scope 0']);
    }
    if (protocol !== 'grpc') expect(receiver.requests.every(({ gzip }) => gzip === (compression === 'gzip'))).toBe(true);
    expect(Math.max(...receiver.requests.map(({ count }) => count))).toBeLessThanOrEqual(512);
    expect(receiver.errors).toEqual([]);
    expect([room.segments(), room.kept(), room.notices]).toEqual([[], [], []]);
  });
});

test('spans are sent while their process lives, within the delay, and its segment stays', async () => {
  const room = makeRoom();
  const receiver = await receive();
  const exporter = room.supervise(room.plan({ destinations: [otlp(receiver.httpUrl)] }));
  const writer = await room.write({ from: 1, to: 50, ending: 'stay' });
  await receiver.waitForSpans(50);
  expect(room.segments()).toHaveLength(1);
  writer.stdin!.end();
  await new Promise((resolve) => writer.once('close', resolve));
  await until(() => room.segments().length === 0, 'the finished segment is removed');
  account(await exporter.drain(), 50);
});

test('a writer that is killed loses nothing that it has written, and its segment goes', async () => {
  const room = makeRoom();
  const receiver = await receive();
  const exporter = room.supervise(room.plan({ destinations: [otlp(receiver.httpUrl)] }));
  await room.write({ from: 1, to: 100, ending: 'kill' });
  await receiver.waitForSpans(100);
  await until(() => room.segments().length === 0, 'the segment of a dead writer is removed');
  expect(receiver.missing(100)).toEqual([]);
  account(await exporter.drain(), 100);
});

test('a batch waits for company for its delay, and not after flush', async () => {
  const room = makeRoom();
  const receiver = await receive();
  const exporter = room.supervise(room.plan({ destinations: [otlp(receiver.httpUrl)], batch: { scheduleDelayMs: 60_000, maxItems: 40 } }));
  await room.write({ from: 1, to: 50, ending: 'stay' });
  await receiver.waitForSpans(40);
  expect(receiver.spans).toHaveLength(40);
  exporter.flush();
  await receiver.waitForSpans(50);
  expect(receiver.requests.map(({ count }) => count)).toEqual([40, 10]);
});

test('20,000 spans written in one turn are cut into batches of the size asked for, below 4 MiB', async () => {
  const room = makeRoom();
  const receiver = await receive();
  const exporter = room.supervise(room.plan({ destinations: [otlp(receiver.httpUrl)], batch: { scheduleDelayMs: 100, maxItems: 8192 } }));
  await room.write({ from: 1, to: 20_000, perTurn: 20_000, padding: 600, ending: 'kill' });
  expect(account(await exporter.drain(), 20_000).delivered).toBe(20_000);
  expect(receiver.missing(20_000)).toEqual([]);
  expect(Math.max(...receiver.requests.map(({ bodyBytes }) => bodyBytes))).toBeLessThan(4 * 1024 * 1024);
  expect(Math.max(...receiver.requests.map(({ count }) => count))).toBeLessThanOrEqual(8192);
});

test('what the writer itself had to drop is counted with its reason', async () => {
  const room = makeRoom();
  const receiver = await receive();
  // No exporter empties the spool meanwhile: it is full at 256 KiB, and 4 MiB more wait in the writer's memory.
  await room.write({ from: 1, to: 20_000, padding: 1000, capBytes: 256 * 1024, perTurn: 100 });
  const exporter = room.supervise(room.plan({ destinations: [otlp(receiver.httpUrl)] }));
  await until(() => receiver.requests.length > 0, 'something arrives');
  const traces = (await exporter.drain()).signals.traces!;
  const received = new Set(receiver.spans.map(({ attributes }) => attributes['test.n'])).size;
  expect(traces.delivered).toBe(received);
  expect(received).toBeLessThan(20_000);
  expect(traces.produced).toBe(traces.delivered + droppedCount(traces));
});

test('every destination gets everything, and a dead one does not hold up the other', async () => {
  const room = makeRoom();
  const receiver = await receive();
  const dead = `http://127.0.0.1:${await closedPort()}`;
  const exporter = room.supervise(room.plan({ destinations: [otlp(dead), otlp(receiver.httpUrl)] }));
  await room.write({ from: 1, to: 300 });
  await receiver.waitForSpans(300);
  expect(room.segments().length).toBeGreaterThan(0);
  const { destinations } = await exporter.drain();
  expect(destinations.map(({ delivered, kept }) => [delivered, kept])).toEqual([[0, 300], [300, 0]]);
  expect(room.segments()).toEqual([]);
});

test('TLS with a CA and a client certificate, by HTTP and gRPC', async () => {
  const room = makeRoom();
  const made = makeCertificates(room.dir);
  const receiver = await receive({ tls: { cert: made.cert, key: made.key, clientCa: made.ca } });
  const tls = { ca: made.ca, cert: made.clientCert, key: made.clientKey };
  const exporter = room.supervise(room.plan({ destinations: [otlp(receiver.httpUrl, { tls }), otlp(receiver.grpcUrl, { protocol: 'grpc', tls })] }));
  await room.write({ from: 1, to: 10 });
  const { destinations } = await exporter.drain();
  expect(destinations.map(({ delivered, failure }) => [delivered, failure])).toEqual([[10, null], [10, null]]);
});

test.each(['http/protobuf', 'grpc'] as const)('headers go with every request, by %s', async (protocol) => {
  const room = makeRoom();
  const receiver = await receive({ requireHeader: { name: 'x-token', value: 'abc=%' } });
  const exporter = room.supervise(room.plan({ destinations: [otlp(protocol === 'grpc' ? receiver.grpcUrl : receiver.httpUrl, { protocol, headers: { 'x-token': 'abc=%' } })] }));
  await room.write({ from: 1, to: 10 });
  expect(account(await exporter.drain(), 10).delivered).toBe(10);
});

test('gRPC requests are compressed where that is asked for', async () => {
  const room = makeRoom();
  const seen: { headers: IncomingHttpHeaders; flag: number | undefined }[] = [];
  const server = createServer().on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      seen.push({ headers, flag: Buffer.concat(chunks)[0] });
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' })).end(Buffer.alloc(5));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const exporter = room.supervise(room.plan({ destinations: [otlp(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { protocol: 'grpc', compression: 'gzip' })] }));
  await room.write({ from: 1, to: 10 });
  expect(account(await exporter.drain(), 10).delivered).toBe(10);
  expect(seen.map(({ headers, flag }) => [headers['grpc-encoding'], flag])).toEqual([['gzip', 1]]);
});
