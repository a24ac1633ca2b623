/** What receives: OTLP by the harness of the tests, or the agent protocol of dd-trace; each may misbehave. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer as createNetServer, type AddressInfo, type Socket } from 'node:net';
import { closedPort, makeCertificates, startReceiver, type Misbehaviour, type Receiver } from '../../test/harness/receiver.ts';
import { decodeMsgpack } from './msgpack.ts';

/** `refused`: nobody listens. All but the first are no matter of a single answer. */
export type Trouble =
  | Misbehaviour
  | { readonly kind: 'refused' }
  /** Bytes reach it at this speed. */
  | { readonly kind: 'trickle'; readonly bytesPerSecond: number }
  /** Of each connection it gets so many bytes; the rest is lost on the way. */
  | { readonly kind: 'loses'; readonly behindBytes: number }
  /** It speaks TLS with this certificate, of the authority in `ca.pem`. */
  | { readonly kind: 'tls'; readonly certificate: 'cert' | 'expired' | 'wrongHost' };

export interface Backend {
  readonly port: number;
  readonly requests: number;
  /** How often each number of `test.n` has been accepted. */
  numbers(): ReadonlyMap<number, number>;
  /** From now on it listens and accepts. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

export async function startBackend(protocol: 'otlp' | 'datadog', trouble: Trouble | undefined, dir: string): Promise<Backend> {
  const start = (fixedPort: number): Promise<Server> => (protocol === 'otlp' ? startOtlp(fixedPort, trouble?.kind === 'tls' ? tlsOf(trouble.certificate, dir) : null) : startAgent(fixedPort));
  const refused = trouble?.kind === 'refused';
  let server = refused ? null : await start(0);
  const line = trouble?.kind === 'trickle' || trouble?.kind === 'loses' ? await startLine(server!.port, trouble) : null;
  const port = refused ? await closedPort() : (line?.port ?? server!.port);
  if (trouble !== undefined && trouble.kind !== 'refused' && trouble.kind !== 'trickle' && trouble.kind !== 'loses' && trouble.kind !== 'tls') server!.misbehave(trouble);
  return {
    port,
    get requests() {
      return server?.requests() ?? 0;
    },
    numbers: () => server?.numbers() ?? new Map(),
    async heal() {
      server ??= await start(port);
      server.behave();
      line?.hurry();
    },
    async close() {
      await line?.close();
      await server?.close();
    },
  };
}

interface Server {
  readonly port: number;
  requests(): number;
  numbers(): ReadonlyMap<number, number>;
  misbehave(how: Misbehaviour): void;
  behave(): void;
  close(): Promise<void>;
}

function tlsOf(certificate: 'cert' | 'expired' | 'wrongHost', dir: string): { cert: string; key: string } {
  const made = makeCertificates(dir);
  return { cert: made[certificate], key: made.key };
}

async function startOtlp(httpPort: number, tls: { cert: string; key: string } | null): Promise<Server> {
  const receiver: Receiver = await startReceiver({ httpPort, ...(tls === null ? {} : { tls }) });
  return {
    port: Number(new URL(receiver.httpUrl).port),
    requests: () => receiver.requests.length,
    numbers: () => tally(receiver.spans.map(({ attributes }) => Number(attributes['test.n']))),
    misbehave: receiver.misbehave,
    behave: receiver.behave,
    close: receiver.close,
  };
}

/** The trace agent's intake: `PUT /v0.4/traces`, a list of traces, each a list of spans, in MessagePack. */
async function startAgent(fixedPort: number): Promise<Server> {
  const found: number[] = [];
  const sockets = new Set<Socket>();
  let how: Misbehaviour | null = null;
  let requests = 0;
  const accept = (body: Buffer): void => {
    for (const trace of decodeMsgpack(body) as Record<string, Record<string, unknown>>[][]) {
      for (const { metrics = {}, meta = {} } of trace) found.push(Number(metrics['test.n'] ?? meta['test.n']));
    }
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (!/^\/v0\.4\/traces/.test(request.url ?? '')) return void response.writeHead(404).end();
    requests++;
    const body = Buffer.concat(chunks);
    const ok = (): void => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"rate_by_service":{"service:,env:":1}}');
    switch (how?.kind) {
      case 'hang':
        return;
      case 'reset':
        return void request.socket.resetAndDestroy();
      case 'cut':
        response.writeHead(200, { 'content-length': '1000' }).write('begin');
        return void setImmediate(() => request.socket.resetAndDestroy());
      case 'status':
        return void response.writeHead(how.status, how.retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(how.retryAfterMs / 1000)) }).end();
      case 'redirect':
        return void response.writeHead(307, { location: how.to }).end();
      case 'slow':
        await new Promise((resolve) => setTimeout(resolve, (how as { delayMs: number }).delayMs).unref());
        break;
      case 'garbage':
        accept(body);
        return void response.writeHead(200).end(Buffer.from('\xff\xfe\x00 <html>garbage', 'latin1'));
    }
    accept(body);
    ok();
  };
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  server.on('connection', (socket: Socket) => void sockets.add(socket.on('error', () => {}).once('close', () => sockets.delete(socket))));
  await new Promise<void>((resolve, reject) => void server.once('error', reject).listen(fixedPort, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    requests: () => requests,
    numbers: () => tally(found),
    misbehave: (next) => void (how = next),
    behave: () => void (how = null),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** A line to `port` that is slow, or loses what it is given, until it is told to hurry. */
async function startLine(port: number, trouble: Trouble & { kind: 'trickle' | 'loses' }): Promise<{ port: number; hurry(): void; close(): Promise<void> }> {
  const perSecond = trouble.kind === 'trickle' ? trouble.bytesPerSecond : Infinity;
  const everyMs = Math.max(50, 1000 / perSecond);
  const sockets = new Set<Socket>();
  let share = Math.ceil((perSecond * everyMs) / 1000);
  let passes = trouble.kind === 'loses' ? trouble.behindBytes : Infinity;
  const server = createNetServer((client) => {
    const backend = connect(port, '127.0.0.1');
    let waiting = Buffer.alloc(0);
    let passed = 0;
    const timer = setInterval(() => {
      if (waiting.length === 0) return;
      const now = waiting.subarray(0, Math.min(share, passes - passed));
      backend.write(now);
      passed += now.length;
      waiting = passed >= passes ? Buffer.alloc(0) : waiting.subarray(now.length);
    }, everyMs);
    client.on('data', (bytes) => (waiting = Buffer.concat([waiting, bytes])));
    backend.pipe(client);
    for (const socket of [client, backend]) {
      sockets.add(socket);
      socket.on('error', () => {}).once('close', () => {
        clearInterval(timer);
        client.destroy();
        backend.destroy();
        sockets.delete(socket);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    hurry: () => void (share = passes = Infinity),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function tally(numbers: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const n of numbers) if (Number.isInteger(n)) counts.set(n, (counts.get(n) ?? 0) + 1);
  return counts;
}
