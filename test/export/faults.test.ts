import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createNetServer, type AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { droppedCount, type DestinationSummary, type Summary } from '../../src/export/summary.ts';
import { closedPort, makeCertificates, startReceiver, type Misbehaviour, type Receiver, type ReceiverOptions } from '../harness/receiver.ts';
import { makeRoom, otlp, until, type Room } from './room.ts';

async function receive(options: ReceiverOptions = {}): Promise<Receiver> {
  const receiver = await startReceiver(options);
  onTestFinished(() => receiver.close());
  return receiver;
}

function account(summary: Summary, produced: number): DestinationSummary {
  const traces = summary.signals.traces!;
  expect(traces.delivered + traces.kept + droppedCount(traces)).toBe(produced);
  return traces;
}

/** A short run: `spans` are written, the writer ends, and the exporter has its deadline. */
async function shortRun(room: Room, url: string, changes: Parameters<typeof otlp>[1] = {}, spans = 100): Promise<{ traces: DestinationSummary; ms: number }> {
  const exporter = room.supervise(room.plan({ destinations: [otlp(url, changes)] }));
  await room.write({ from: 1, to: spans });
  const start = performance.now();
  const traces = account(await exporter.drain(), spans);
  return { traces, ms: performance.now() - start };
}

const keptCount = (room: Room): number => room.kept().reduce((sum, { count }) => sum + count, 0);

describe.each(['http/protobuf', 'grpc'] as const)('%s', (protocol) => {
  const urlOf = (receiver: Receiver): string => (protocol === 'grpc' ? receiver.grpcUrl : receiver.httpUrl);

  test('a backend that is known never to answer costs half a second', async () => {
    const room = makeRoom();
    const receiver = await receive();
    receiver.misbehave({ kind: 'hang' });
    const exporter = room.supervise(room.plan({ destinations: [otlp(urlOf(receiver), { protocol, timeoutMs: 300 })] }));
    await room.write({ from: 1, to: 100 });
    await receiver.waitForRequests(2);
    const start = performance.now();
    const traces = account(await exporter.drain(), 100);
    expect(traces).toMatchObject({ kept: 100, failure: expect.stringMatching(/no answer/) });
    expect(performance.now() - start).toBeLessThan(700);
  });

  test('what came back after a failure is delivered once it works', async () => {
    const room = makeRoom();
    const receiver = await receive();
    receiver.misbehave({ kind: 'status', status: 503, times: 2 });
    const exporter = room.supervise(room.plan({ destinations: [otlp(urlOf(receiver), { protocol })] }));
    await room.write({ from: 1, to: 100 });
    await receiver.waitForSpans(100);
    expect(account(await exporter.drain(), 100)).toMatchObject({ delivered: 100, failure: null });
    expect(receiver.requests.map(({ accepted }) => accepted)).toEqual([false, false, true]);
  });

  test('Retry-After is honoured while the application runs, and does not hold up the end', async () => {
    const room = makeRoom();
    const receiver = await receive();
    receiver.misbehave({ kind: 'status', status: 429, retryAfterMs: 100_000, grpc: 8 });
    const exporter = room.supervise(room.plan({ destinations: [otlp(urlOf(receiver), { protocol })] }));
    await room.write({ from: 1, to: 100 });
    await receiver.waitForRequests(1);
    await room.write({ from: 101, to: 200 });
    const start = performance.now();
    const traces = account(await exporter.drain(), 200);
    expect(performance.now() - start).toBeLessThan(300);
    expect(traces.kept).toBe(200);
    expect(receiver.requests).toHaveLength(1);
  });

  test('partial success is counted, and said with the words of the backend', async () => {
    const room = makeRoom();
    const receiver = await receive();
    receiver.misbehave({ kind: 'partial', rejected: 7, message: 'too old\u001b[31m', times: 1 });
    const exporter = room.supervise(room.plan({ destinations: [otlp(urlOf(receiver), { protocol })] }));
    await room.write({ from: 1, to: 100 });
    await receiver.waitForSpans(93);
    await until(() => room.notices.length > 0, 'it is said');
    expect(room.notices).toEqual([`${urlOf(receiver)}${protocol === 'grpc' ? '' : '/v1/traces'}: refused by the backend: too old [31m; 7 spans lost`]);
    expect(account(await exporter.drain(), 100)).toMatchObject({ delivered: 93, dropped: { 'refused by the backend: too old [31m': 7 } });
  });

  test('a request that is too large for the backend is sent in halves', async () => {
    const room = makeRoom();
    const receiver = await receive();
    receiver.misbehave({ kind: 'limit', items: 30 });
    const { traces } = await shortRun(room, urlOf(receiver), { protocol });
    expect(traces.delivered).toBe(100);
    expect([receiver.missing(100), receiver.twice()]).toEqual([[], []]);
  });

  test('a single span that is too large is counted, and the others arrive', async () => {
    const room = makeRoom();
    const receiver = await receive();
    receiver.misbehave({ kind: 'limit', items: 0 });
    const { traces } = await shortRun(room, urlOf(receiver), { protocol }, 3);
    expect(traces.delivered).toBe(0);
    expect(droppedCount(traces)).toBe(3);
  });

  test('a header that is missing is said, with what to check', async () => {
    const room = makeRoom();
    const receiver = await receive({ requireHeader: { name: 'authorization', value: 'Bearer right' } });
    const exporter = room.supervise(room.plan({ destinations: [otlp(urlOf(receiver), { protocol, headers: { authorization: 'Bearer wrong' } })] }));
    await room.write({ from: 1, to: 5 });
    await until(() => room.notices.length > 0, 'it is said');
    await room.write({ from: 6, to: 10 });
    await receiver.waitForRequests(2);
    const traces = account(await exporter.drain(), 10);
    expect(room.notices).toHaveLength(1);
    expect(room.notices[0]).toMatch(/credentials: check OTEL_EXPORTER_OTLP_HEADERS; \d+ spans lost$/);
    expect(room.notices[0]).not.toContain('wrong');
    expect(droppedCount(traces)).toBe(10);
  });
});

test.each<[string, Misbehaviour, RegExp]>([
  ['400 with the words of the backend', { kind: 'status', status: 400, body: 'bad span\nkind' }, /^HTTP 400: bad span kind$/],
  ['404 names the path', { kind: 'status', status: 404 }, /^HTTP 404: .*endpoint/],
])('HTTP: %s: not tried again, counted', async (_, how, reason) => {
  const room = makeRoom();
  const receiver = await receive();
  receiver.misbehave(how);
  const { traces } = await shortRun(room, receiver.httpUrl);
  expect(Object.keys(traces.dropped)).toEqual([expect.stringMatching(reason)]);
  expect(droppedCount(traces)).toBe(100);
  expect(receiver.requests).toHaveLength(1);
  expect(keptCount(room)).toBe(0);
});

test.each<[string, Misbehaviour]>([
  ['a reset', { kind: 'reset', times: 1 }],
  ['an answer that breaks off', { kind: 'cut', times: 1 }],
])('HTTP: after %s the same spans are sent again', async (_, how) => {
  const room = makeRoom();
  const receiver = await receive();
  receiver.misbehave(how);
  const exporter = room.supervise(room.plan({ destinations: [otlp(receiver.httpUrl)] }));
  await room.write({ from: 1, to: 100 });
  await receiver.waitForSpans(100);
  expect(account(await exporter.drain(), 100)).toMatchObject({ delivered: 100, failure: null });
  expect(receiver.missing(100)).toEqual([]);
});

test('a backend that finds new words each time makes neither many lines nor a long one', async () => {
  const room = makeRoom();
  let requests = 0;
  const server = createServer((request, response) => void request.resume().on('end', () => response.writeHead(400).end(`request ${'abcdefghijklmnopqrstuvwxyz'[requests++ % 26]!.repeat(3)} ${Math.random()} is unwelcome`)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const exporter = room.supervise(room.plan({ destinations: [otlp(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)], batch: { scheduleDelayMs: 10, maxItems: 20 } }));
  await room.write({ from: 1, to: 2000 });
  await until(() => requests >= 100, 'everything has been refused');
  await until(() => room.notices.length > 0, 'it is said');
  const traces = account(await exporter.drain(), 2000);
  expect(droppedCount(traces)).toBe(2000);
  expect(Object.keys(traces.dropped).length).toBeLessThanOrEqual(13);
  expect(room.notices.length).toBeLessThanOrEqual(13);
});

describe('a line that names the cure', () => {
  test.each(['http/protobuf', 'grpc'] as const)('%s and TLS', async (protocol) => {
    const room = makeRoom();
    const made = makeCertificates(room.dir);
    const failure = async (cert: string, ca: string | null, scheme = 'https'): Promise<string | null> => {
      const receiver = await receive({ tls: { cert, key: made.key } });
      const url = (protocol === 'grpc' ? receiver.grpcUrl : receiver.httpUrl).replace('https', scheme);
      return (await shortRun(room, url, { protocol, tls: ca === null ? {} : { ca } }, 1)).traces.failure;
    };
    expect(await failure(made.cert, null)).toMatch(/not trusted here: name the CA file in OTEL_EXPORTER_OTLP_CERTIFICATE/);
    expect(await failure(made.expired, made.ca)).toMatch(/expired/);
    expect(await failure(made.wrongHost, made.ca)).toMatch(/for another host/);
    expect(await failure(made.cert, '/nowhere/ca.pem')).toMatch(/TLS settings cannot be read: .*\/nowhere\/ca.pem/);
    expect(await failure(made.cert, null, 'http')).toMatch(/TLS|gRPC/);
  });

  test('TLS to a port that does not speak it', async () => {
    const room = makeRoom();
    const receiver = await receive();
    expect((await shortRun(room, receiver.httpUrl.replace('http:', 'https:'), {}, 1)).traces.failure).toMatch(/does not speak TLS/);
    expect((await shortRun(room, receiver.grpcUrl.replace('http:', 'https:'), { protocol: 'grpc' }, 1)).traces.failure).toMatch(/does not speak TLS|cut by the other side/);
  });

  test('HTTP to a gRPC port, and gRPC to an HTTP port', async () => {
    const room = makeRoom();
    const receiver = await receive();
    const byHttp = (await shortRun(room, receiver.grpcUrl, {}, 1)).traces;
    expect([byHttp.failure, ...Object.keys(byHttp.dropped)].join()).toMatch(/--protocol grpc/);
    const byGrpc = (await shortRun(room, receiver.httpUrl, { protocol: 'grpc' }, 1)).traces;
    expect([byGrpc.failure, ...Object.keys(byGrpc.dropped)].join()).toMatch(/--protocol http\/protobuf/);
  });

  test('a failure that lasts is said once a minute, while it lasts', { timeout: 20_000 }, async () => {
    const room = makeRoom();
    const exporter = room.supervise(room.plan({ destinations: [otlp(`http://127.0.0.1:${await closedPort()}`)] }));
    await room.write({ from: 1, to: 10 });
    await until(() => room.notices.length > 0, 'it is said', 15_000);
    expect(room.notices).toEqual([expect.stringMatching(/^http:\/\/127.0.0.1:\d+\/v1\/traces: connection refused: nothing listens there; trying again/)]);
    expect((await exporter.drain()).signals.traces!.kept).toBe(10);
    expect(room.notices).toHaveLength(1);
  });
});

test('a backend that nobody configured: counted, with no state, no word and no wait', async () => {
  const room = makeRoom();
  const { traces, ms } = await shortRun(room, `http://127.0.0.1:${await closedPort()}`, { undelivered: 'drop' });
  expect(traces).toMatchObject({ kept: 0, silent: true });
  expect(droppedCount(traces)).toBe(100);
  expect(ms).toBeLessThan(1000); // far below the 2 s that an unreached backend is given
  expect([room.kept(), room.notices, room.segments()]).toEqual([[], [], []]);
});

test('without a state directory, or where it cannot be written, what is not delivered is counted', async () => {
  const room = makeRoom();
  const dead = otlp(`http://127.0.0.1:${await closedPort()}`);
  for (const stateDir of [null, '/proc/nothing']) {
    const exporter = room.supervise(room.plan({ destinations: [dead], stateDir }));
    mkdirSync(room.spool, { recursive: true });
    await room.write({ from: 1, to: 100 });
    expect(account(await exporter.drain(), 100)).toMatchObject({ delivered: 0, kept: 0 });
  }
});

test('frames that are torn or mutilated are passed over, and the rest arrives', async () => {
  const room = makeRoom();
  const receiver = await receive();
  await room.write({ from: 1, to: 100, perTurn: 10, ending: 'kill' });
  const [name] = room.segments();
  const bytes = readFileSync(`${room.spool}/${name}`);
  bytes[Math.floor(bytes.length / 2)]! ^= 0xff;
  writeFileSync(`${room.spool}/${name}`, bytes.subarray(0, bytes.length - 7));
  const exporter = room.supervise(room.plan({ destinations: [otlp(receiver.httpUrl)] }));
  await until(() => room.segments().length === 0, 'the segment is done with');
  const summary = await exporter.drain();
  expect(receiver.missing(100).length).toBeGreaterThanOrEqual(11);
  expect(receiver.missing(100).length).toBeLessThanOrEqual(30);
  expect(summary.signals.traces!.delivered).toBe(receiver.spans.length);
  expect(summary.tornBytes).toBeGreaterThan(0);
});

test('a server that is no HTTP server at all is a failure like another', async () => {
  const room = makeRoom();
  const server = createNetServer((socket) => void socket.on('error', () => {}).end('SSH-2.0-OpenSSH_9.6\r\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { traces } = await shortRun(room, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  expect(traces).toMatchObject({ kept: 100, failure: expect.stringMatching(/not HTTP/) });
});
