/**
 * An OTLP backend for tests, on free loopback ports: HTTP (protobuf and JSON, gzip) and gRPC side by side.
 *
 *     const receiver = await startReceiver();                  // { tls: certificates } for https and gRPC over TLS
 *     env.OTEL_EXPORTER_OTLP_ENDPOINT = receiver.httpUrl;      // or receiver.grpcUrl
 *     await receiver.waitForSpans(3);                          // or waitForSpans((spans) => spans.some(…)), timeout as 2nd argument
 *     receiver.spans;                                          // ReceivedSpan[]: plain objects, ids as hex, attributes as a record
 *     receiver.missing(100);                                   // numbers of 1..100 that no span carries in its attribute `test.n`
 *     receiver.twice();                                        // numbers that came more than once
 *     receiver.requests;                                       // path, headers, sizes, counts, `accepted`
 *     receiver.misbehave({ kind: 'status', status: 503 });     // until behave(); `times: 2` for the next two requests only
 *     await receiver.close();
 *
 * `spans` holds what was accepted only: a request that is answered with an error, reset or left hanging is in `requests`
 * with `accepted: false` (with partial success, the first `rejected` spans are left out). A body that cannot be decoded is
 * answered with 400 and noted in `errors`, which a test should expect to be empty.
 * Further: `closedPort()` is a port on which nobody listens; `makeCertificates(dir)` makes a CA and, signed by it, a sound, an
 * expired and a wrong-host certificate and one for clients, with openssl.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createNetServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import * as grpc from '@grpc/grpc-js';
import { answers, decodeJson, decodeProtobuf, type Decoded, type ReceivedSpan, type Signal } from './otlp-decode.ts';

export type { ReceivedSpan, Signal } from './otlp-decode.ts';

export type Misbehaviour = {
  /** For so many requests, then well-behaved again. Absent: until {@link Receiver.behave}. */
  times?: number;
} & (
  /** gRPC: answered with the gRPC status `grpc` (default UNAVAILABLE), and RetryInfo where `retryAfterMs` is given. */
  | { kind: 'status'; status: number; grpc?: number; headers?: Record<string, string>; body?: string; retryAfterMs?: number; message?: string }
  /** Reads the request and never answers. */
  | { kind: 'hang' }
  /** Accepts, but answers late. */
  | { kind: 'slow'; delayMs: number }
  /** 200 and a body that is no OTLP answer. */
  | { kind: 'garbage' }
  /** 200 and an answer that never ends to grow, up to `bytes`. */
  | { kind: 'flood'; bytes: number }
  | { kind: 'partial'; rejected: number; message: string }
  /** Cuts the connection after the request has been read. HTTP only (gRPC: UNAVAILABLE). */
  | { kind: 'reset' }
  /** Cuts the connection in the middle of its answer. HTTP only (gRPC: UNAVAILABLE). */
  | { kind: 'cut' }
  | { kind: 'redirect'; to: string }
  /** 413 (gRPC: RESOURCE_EXHAUSTED) for requests of more than so many items; others are accepted. */
  | { kind: 'limit'; items: number }
);

export interface ReceivedRequest {
  transport: 'http' | 'grpc';
  signal: Signal;
  path: string;
  /** Lower-case names. */
  headers: Record<string, string>;
  contentType: string;
  /** HTTP only: the gRPC server unpacks without a word. */
  gzip: boolean;
  /** Bytes on the wire (gRPC: after decompression), and decoded. */
  wireBytes: number;
  bodyBytes: number;
  body: Buffer;
  count: number;
  resources: number;
  scopes: number;
  accepted: boolean;
  at: number;
}

export interface Receiver {
  /** `http://127.0.0.1:port` (https with TLS: `https://localhost:port`). */
  readonly httpUrl: string;
  readonly grpcUrl: string;
  readonly spans: ReceivedSpan[];
  readonly requests: ReceivedRequest[];
  readonly errors: string[];
  waitForSpans(wanted: number | ((spans: readonly ReceivedSpan[]) => boolean), timeoutMs?: number): Promise<ReceivedSpan[]>;
  /** Waits until `wanted` holds of the requests seen so far. */
  waitForRequests(wanted: number | ((requests: readonly ReceivedRequest[]) => boolean), timeoutMs?: number): Promise<ReceivedRequest[]>;
  missing(last: number, attribute?: string): number[];
  twice(attribute?: string): number[];
  misbehave(how: Misbehaviour): void;
  behave(): void;
  clear(): void;
  close(): Promise<void>;
}

export interface ReceiverOptions {
  /** PEM files of the server; `ca` asks clients for a certificate that it signed. */
  tls?: { cert: string; key: string; clientCa?: string };
  /** Requests without this header are answered with 401 (gRPC: UNAUTHENTICATED). */
  requireHeader?: { name: string; value: string };
  /** Fixed ports, for a backend that comes back or has moved. */
  httpPort?: number;
  grpcPort?: number;
  /** Another loopback address than 127.0.0.1. */
  address?: string;
}

const SERVICES: Record<Signal, string> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
};

const REJECTED: Record<Signal, string> = { traces: 'rejectedSpans', metrics: 'rejectedDataPoints', logs: 'rejectedLogRecords' };

export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const { address = '127.0.0.1' } = options;
  const spans: ReceivedSpan[] = [];
  const requests: ReceivedRequest[] = [];
  const errors: string[] = [];
  const watchers = new Set<() => void>();
  const sockets = new Set<Socket>();
  let misbehaviour: Misbehaviour | null = null;

  const nextBehaviour = (): Misbehaviour | null => {
    const now = misbehaviour;
    if (now?.times !== undefined && --now.times <= 0) misbehaviour = null;
    return now;
  };

  /** Decodes and notes a request; null where it is unsound. */
  const note = (request: Omit<ReceivedRequest, 'count' | 'resources' | 'scopes' | 'accepted' | 'at' | 'bodyBytes'>): { request: ReceivedRequest; decoded: Decoded } | null => {
    try {
      const decoded = request.contentType.startsWith('application/json') ? decodeJson(request.signal, request.body) : decodeProtobuf(request.signal, request.body);
      const noted = { ...request, bodyBytes: request.body.length, count: decoded.count, resources: decoded.resources, scopes: decoded.scopes, accepted: false, at: Date.now() };
      requests.push(noted);
      return { request: noted, decoded };
    } catch (error) {
      errors.push(`${request.path}: ${(error as Error).message}`);
      return null;
    }
  };
  const accept = ({ request, decoded }: { request: ReceivedRequest; decoded: Decoded }, rejected = 0): void => {
    request.accepted = true;
    spans.push(...decoded.spans.slice(rejected));
  };
  const changed = (): void => {
    for (const check of [...watchers]) check();
  };

  const tls = options.tls === undefined ? null : { cert: readFileSync(options.tls.cert), key: readFileSync(options.tls.key), clientCa: options.tls.clientCa === undefined ? null : readFileSync(options.tls.clientCa) };

  const answerHttp = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const raw = await readAll(message);
    const path = message.url ?? '';
    const signal = (/^.*\/v1\/(traces|metrics|logs)(\?.*)?$/.exec(path)?.[1] ?? null) as Signal | null;
    const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value)]));
    if (message.method !== 'POST') return void response.writeHead(405).end();
    if (signal === null) return void response.writeHead(404).end('404 page not found');
    const gzip = headers['content-encoding'] === 'gzip';
    const contentType = headers['content-type'] ?? '';
    const noted = note({ transport: 'http', signal, path, headers, contentType, gzip, wireBytes: raw.length, body: gzip ? gunzipSync(raw) : raw });
    if (noted === null) return void response.writeHead(400).end('cannot decode');
    const required = options.requireHeader;
    if (required !== undefined && headers[required.name.toLowerCase()] !== required.value) return void response.writeHead(401).end('unauthorized');

    const how = nextBehaviour();
    const json = contentType.startsWith('application/json');
    const ok = (body: Buffer): void => void response.writeHead(200, { 'content-type': json ? 'application/json' : 'application/x-protobuf' }).end(body);
    switch (how?.kind) {
      case undefined:
        accept(noted);
        return ok(json ? Buffer.from('{}') : Buffer.alloc(0));
      case 'status': {
        const retry = how.retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(how.retryAfterMs / 1000)) };
        return void response.writeHead(how.status, { ...retry, ...how.headers }).end(how.body ?? '');
      }
      case 'hang':
        return;
      case 'slow':
        await delay(how.delayMs, undefined, { ref: false });
        accept(noted);
        return ok(Buffer.alloc(0));
      case 'garbage':
        accept(noted);
        return ok(Buffer.from('\xff\xfe\x00 <html>garbage', 'latin1'));
      case 'flood': {
        accept(noted);
        response.writeHead(200, { 'content-type': 'application/x-protobuf' });
        const chunk = Buffer.alloc(64 * 1024, 1);
        const closed = once(response, 'close');
        for (let sent = 0; sent < how.bytes && !response.destroyed; sent += chunk.length) {
          if (!response.write(chunk)) await Promise.race([once(response, 'drain'), closed]);
        }
        return void response.end();
      }
      case 'partial':
        accept(noted, how.rejected);
        return ok(json ? Buffer.from(JSON.stringify({ partialSuccess: { [REJECTED[signal]]: String(how.rejected), errorMessage: how.message } })) : partialSuccess(how.rejected, how.message));
      case 'reset':
        message.socket.resetAndDestroy();
        return;
      case 'cut':
        response.writeHead(200, { 'content-length': '1000' }).write('begin');
        setImmediate(() => message.socket.resetAndDestroy());
        return;
      case 'redirect':
        return void response.writeHead(307, { location: how.to }).end();
      case 'limit':
        if (noted.decoded.count > how.items) return void response.writeHead(413).end();
        accept(noted);
        return ok(Buffer.alloc(0));
    }
  };
  const onRequest = (message: IncomingMessage, response: ServerResponse): void => {
    answerHttp(message, response).catch((error) => errors.push(`receiver: ${(error as Error).message}`)).finally(changed);
  };
  const http: Server =
    tls === null
      ? createHttpServer(onRequest)
      : createHttpsServer({ cert: tls.cert, key: tls.key, ...(tls.clientCa === null ? {} : { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }) }, onRequest);
  http.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => void http.once('error', reject).listen(options.httpPort ?? 0, address, resolve));

  const rpc = new grpc.Server({ 'grpc.max_receive_message_length': 64 * 1024 * 1024 });
  for (const [signal, path] of Object.entries(SERVICES) as [Signal, string][]) {
    const answer: grpc.handleUnaryCall<Buffer, Buffer> = (call, callback) => {
      const headers = Object.fromEntries(Object.entries(call.metadata.getMap()).map(([name, value]) => [name, String(value)]));
      const noted = note({ transport: 'grpc', signal, path, headers, contentType: 'application/grpc', gzip: false, wireBytes: call.request.length, body: call.request });
      const how = nextBehaviour();
      const required = options.requireHeader;
      const fail = (code: grpc.status, details: string, retryAfterMs?: number): void => {
        const metadata = new grpc.Metadata();
        if (retryAfterMs !== undefined) metadata.set('grpc-status-details-bin', retryInfo(code, retryAfterMs));
        callback({ code, details, metadata });
      };
      if (noted === null) fail(grpc.status.INVALID_ARGUMENT, 'cannot decode');
      else if (required !== undefined && headers[required.name.toLowerCase()] !== required.value) fail(grpc.status.UNAUTHENTICATED, 'unauthorized');
      else if (how === null || how.kind === 'garbage' || how.kind === 'flood') {
        accept(noted);
        callback(null, how === null ? Buffer.alloc(0) : Buffer.from('\xff\xfe garbage', 'latin1'));
      } else if (how.kind === 'status') fail(how.grpc ?? grpc.status.UNAVAILABLE, how.message ?? 'misbehaving', how.retryAfterMs);
      else if (how.kind === 'partial') {
        accept(noted, how.rejected);
        callback(null, partialSuccess(how.rejected, how.message));
      } else if (how.kind === 'slow') {
        setTimeout(() => {
          accept(noted);
          callback(null, Buffer.alloc(0));
          changed();
        }, how.delayMs).unref();
      } else if (how.kind === 'limit' && noted.decoded.count > how.items) fail(grpc.status.RESOURCE_EXHAUSTED, 'message larger than max');
      else if (how.kind === 'limit') {
        accept(noted);
        callback(null, Buffer.alloc(0));
      } else if (how.kind !== 'hang') fail(grpc.status.UNAVAILABLE, how.kind);
      changed();
    };
    rpc.register(path, answer, (reply: Buffer) => reply, (bytes: Buffer) => bytes, 'unary');
  }
  const credentials =
    tls === null
      ? grpc.ServerCredentials.createInsecure()
      : grpc.ServerCredentials.createSsl(tls.clientCa, [{ cert_chain: tls.cert, private_key: tls.key }], tls.clientCa !== null);
  const grpcPort = await new Promise<number>((resolve, reject) => rpc.bindAsync(`${address}:${options.grpcPort ?? 0}`, credentials, (error, port) => (error === null ? resolve(port) : reject(error))));

  const host = tls === null ? `http://${address}` : 'https://localhost';
  const waitFor = async (holds: () => boolean, timeoutMs: number, what: () => string): Promise<void> => {
    if (holds()) return;
    await new Promise<void>((resolve, reject) => {
      const check = (): void => {
        if (!holds()) return;
        watchers.delete(check);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        watchers.delete(check);
        reject(new Error(`${what()} after ${timeoutMs} ms; ${requests.length} requests (${requests.filter(({ accepted }) => accepted).length} accepted); errors: ${errors.join(', ') || 'none'}`));
      }, timeoutMs);
      watchers.add(check);
    });
  };
  const numbers = (attribute: string): number[] => spans.map(({ attributes }) => Number(attributes[attribute])).filter((n) => Number.isInteger(n));

  return {
    httpUrl: `${host}:${(http.address() as AddressInfo).port}`,
    grpcUrl: `${host}:${grpcPort}`,
    spans,
    requests,
    errors,
    async waitForSpans(wanted, timeoutMs = 10_000) {
      const holds = typeof wanted === 'number' ? () => spans.length >= wanted : () => wanted(spans);
      await waitFor(holds, timeoutMs, () => `${spans.length} spans${typeof wanted === 'number' ? ` of ${wanted}` : ''}: ${[...new Set(spans.map(({ name }) => name))].slice(0, 20).join(', ')}`);
      return spans;
    },
    async waitForRequests(wanted, timeoutMs = 10_000) {
      await waitFor(typeof wanted === 'number' ? () => requests.length >= wanted : () => wanted(requests), timeoutMs, () => `${requests.length} requests`);
      return requests;
    },
    missing(last, attribute = 'test.n') {
      const seen = new Set(numbers(attribute));
      return Array.from({ length: last }, (_, i) => i + 1).filter((n) => !seen.has(n));
    },
    twice(attribute = 'test.n') {
      const seen = new Set<number>();
      return numbers(attribute).filter((n) => seen.has(n) || !seen.add(n));
    },
    misbehave: (how) => void (misbehaviour = { ...how }),
    behave: () => void (misbehaviour = null),
    clear() {
      spans.length = requests.length = errors.length = 0;
    },
    async close() {
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      rpc.forceShutdown();
      await closed;
    },
  };
}

/** A loopback port on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createNetServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

export interface Certificates {
  ca: string;
  key: string;
  /** For localhost and 127.0.0.1. */
  cert: string;
  expired: string;
  /** For `elsewhere.test` only. */
  wrongHost: string;
  clientCert: string;
  clientKey: string;
}

/** PEM files in `dir`, made with openssl: a CA and what it signed. */
export function makeCertificates(dir: string): Certificates {
  const at = (name: string): string => join(dir, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=otel-run test CA', '-keyout', 'ca.key', '-out', 'ca.pem');
  const sign = (name: string, key: string, san: string, dates: string[]): string => {
    writeFileSync(at(`${name}.ext`), `subjectAltName=${san}\n`);
    openssl('req', '-new', '-key', key, '-subj', `/CN=${name}`, '-out', `${name}.csr`);
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', `${name}.ext`, '-out', `${name}.pem`, ...dates);
    return at(`${name}.pem`);
  };
  for (const key of ['server.key', 'client.key']) openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key);
  const here = 'DNS:localhost,IP:127.0.0.1';
  return {
    ca: at('ca.pem'),
    key: at('server.key'),
    cert: sign('server', 'server.key', here, ['-days', '2']),
    expired: expiredCertificate(dir, here),
    wrongHost: sign('wrong-host', 'server.key', 'DNS:elsewhere.test', ['-days', '2']),
    clientCert: sign('client', 'client.key', 'DNS:client', ['-days', '2']),
    clientKey: at('client.key'),
  };
}

/** `openssl x509` of older releases knows no dates in the past; `openssl ca` does. */
function expiredCertificate(dir: string, san: string): string {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  writeFileSync(join(dir, 'index.txt'), '');
  writeFileSync(join(dir, 'serial'), '1000\n');
  writeFileSync(
    join(dir, 'ca.cnf'),
    `[ca]\ndefault_ca=own\n[own]\ndir=${dir}\nnew_certs_dir=${dir}\ndatabase=${dir}/index.txt\nserial=${dir}/serial\ndefault_md=sha256\npolicy=any\nx509_extensions=ext\n[any]\ncommonName=supplied\n[ext]\nsubjectAltName=${san}\n`,
  );
  openssl('req', '-new', '-key', 'server.key', '-subj', '/CN=expired', '-out', 'expired.csr');
  openssl('ca', '-batch', '-config', 'ca.cnf', '-cert', 'ca.pem', '-keyfile', 'ca.key', '-in', 'expired.csr', '-out', 'expired.pem', '-notext', '-startdate', '20200101000000Z', '-enddate', '20200102000000Z');
  return join(dir, 'expired.pem');
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function partialSuccess(rejected: number, message: string): Buffer {
  return answers.response.encode({ partial: { rejected, message } });
}

function retryInfo(code: number, afterMs: number): Buffer {
  const info = answers.retryInfo.encode({ delay: { seconds: Math.floor(afterMs / 1000), nanos: (afterMs % 1000) * 1e6 } });
  return answers.status.encode({ code, details: [{ typeUrl: 'type.googleapis.com/google.rpc.RetryInfo', value: info }] });
}
