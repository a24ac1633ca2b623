import type { Agent as HttpAgent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { OtlpDestination, SignalName } from '../plan/types.ts';
import { readJsonPartialSuccess, readPartialSuccess, readStatusMessage } from './answers.ts';
import { tame } from './failure-words.ts';
import { followHeaders, followTlsFiles, type TlsFiles } from './follow-files.ts';
import { IDLE_MS, routeTo } from './http-route.ts';
import { nameDestination } from './keep.ts';
import { nameWay } from './proxy-tunnel.ts';
import type { Batch, Exporter, ExportOutcome } from './types.ts';
import { version } from './version.ts';

/** Further bytes of an answer are not read. */
const MOST_ANSWER_BYTES = 4 * 1024 * 1024;
const RETRYABLE = new Set([429, 502, 503, 504]);
/** The quickest level takes a third of the default's processor time and 10 to 20 % more bytes. */
const GZIP_LEVEL = 1;

const compress = promisify(gzip);

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** OTLP over HTTP/1.1. Redirects are never followed: they would carry the credentials elsewhere. */
export function createOtlpHttpExporter(destination: OtlpDestination, idleMs = IDLE_MS): Exporter {
  const url = new URL(destination.url);
  const route = routeTo(destination, idleMs);
  const { isTls } = route;
  const isJson = destination.protocol === 'http/json';
  const before = {
    'user-agent': `otel-run/${version()}`,
    ...(url.username === '' ? {} : { authorization: `Basic ${Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString('base64')}` }),
  };
  const behind = {
    'content-type': isJson ? 'application/json' : 'application/x-protobuf',
    ...(destination.compression === 'gzip' ? { 'content-encoding': 'gzip' } : {}),
  };
  const headers = followHeaders(destination);
  const tlsFiles = followTlsFiles(destination);
  let agent: HttpAgent | null = null;
  let agentFiles: TlsFiles | null = null;

  return {
    name: nameDestination(destination),
    async export(batch, signal) {
      try {
        const body = await encode(batch);
        const used = headers.current();
        let answer: Answer;
        try {
          answer = await post(batch.signal, body, signal);
        } catch (error) {
          // A kept connection that the other side has closed meanwhile says nothing about the backend.
          if (!(error as { onReusedSocket?: boolean }).onReusedSocket || signal.aborted) throw error;
          answer = await post(batch.signal, body, signal);
        }
        // The credentials may have been renewed a moment ago.
        if (answer.status === 401 && headers.hasChangedSince(used)) answer = await post(batch.signal, body, signal);
        return judge(answer);
      } catch (error) {
        if (error instanceof UnreadableBatch) return { kind: 'refused', reason: error.message };
        if (isTls) tlsFiles.lookAgain();
        if (signal.aborted) return { kind: 'retry', reason: 'no answer before the end' };
        return { kind: 'retry', reason: error instanceof NoAnswer ? error.message : route.describeError(error) };
      }
    },
    async close() {
      agent?.destroy();
    },
  };

  async function encode(batch: Batch): Promise<Buffer> {
    const body = isJson ? await asJson(batch.signal, batch.body) : batch.body;
    return destination.compression === 'gzip' ? compress(body, { level: GZIP_LEVEL }) : body;
  }

  function post(kind: SignalName, body: Buffer, signal: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { headers: ofRoute, ...place } = route.optionsFor(kind);
      const options: RequestOptions = { ...place, method: 'POST', headers: { ...before, ...ofRoute, ...headers.current(), ...behind, 'content-length': body.length }, agent: currentAgent(), signal };
      const request: ClientRequest = route.request(options);
      const fail = (error: Error): void => {
        clearTimeout(timer);
        reject(error);
      };
      const timer = setTimeout(() => {
        const late = new NoAnswer(`no answer within ${destination.timeoutMs} ms${nameWay(destination)}`);
        request.destroy(late);
        fail(late); // a request that is destroyed already says nothing more
      }, destination.timeoutMs);
      const settle = (): void => clearTimeout(timer);
      request.on('error', (error: NodeJS.ErrnoException) => {
        const isStale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        fail(isStale ? Object.assign(error, { onReusedSocket: true }) : error);
      });
      request.on('upgrade', (response, socket) => {
        socket.destroy();
        settle();
        resolve({ status: response.statusCode ?? 101, headers: response.headers, body: NO_BODY });
      });
      request.on('close', () => fail(new NoAnswer('connection closed before the end of an answer')));
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        const finish = (): void => {
          settle();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
        };
        response.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length <= MOST_ANSWER_BYTES) return void chunks.push(chunk);
          finish();
          request.destroy();
        });
        response.on('end', finish);
        response.on('error', fail);
      });
      request.end(body);
    });
  }

  function judge({ status, headers: answered, body }: Answer): ExportOutcome {
    if (status >= 200 && status < 300) {
      const type = answered['content-type'] ?? '';
      const { rejected, message } = type.startsWith('application/json') ? readJsonPartialSuccess(body) : readPartialSuccess(type.startsWith('text/') ? Buffer.alloc(0) : body);
      if (rejected === 0 && type.startsWith('text/html')) return { kind: 'delivered', rejected: 0, message: 'the answer is a web page: is this the address of an OTLP backend?' };
      return { kind: 'delivered', rejected, ...(message === '' ? {} : { message: tame(message, 160) }) };
    }
    const reason = route.describeStatus(status, detailOf(answered['content-type'] ?? '', body));
    if (RETRYABLE.has(status) || status < 200 || route.isOfProxy(status)) {
      const afterMs = readRetryAfter(answered['retry-after']);
      return { kind: 'retry', reason, ...(afterMs === null ? {} : { afterMs }) };
    }
    return { kind: status === 413 ? 'too-large' : 'refused', reason };
  }

  function currentAgent(): HttpAgent {
    const files = isTls ? readTls() : NO_FILES;
    if (agent === null || files !== agentFiles) {
      if (agent !== null) retire(agent);
      agent = route.makeAgent(files);
      agentFiles = files;
    }
    return agent;
  }

  function readTls(): TlsFiles {
    try {
      return tlsFiles.current();
    } catch (error) {
      throw new NoAnswer(`a file of the TLS settings cannot be read: ${(error as Error).message}`);
    }
  }
}

const NO_FILES: TlsFiles = {};
const NO_BODY = Buffer.alloc(0);

/** Requests that are on their way finish; their connections are used no more. */
function retire(agent: HttpAgent): void {
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

/** Words for people in place of an error of the connection. */
class NoAnswer extends Error {}
class UnreadableBatch extends Error {}

async function asJson(signal: SignalName, body: Buffer): Promise<Buffer> {
  const { toJson } = await import('./json.ts');
  try {
    return toJson(signal, body);
  } catch (error) {
    throw new UnreadableBatch(`cannot be written as JSON: ${(error as Error).message}`);
  }
}

function detailOf(contentType: string, body: Buffer): string {
  if (contentType.startsWith('application/x-protobuf')) return readStatusMessage(body);
  if (contentType.startsWith('text/html')) return '';
  // Loki says so of what it writes as protobuf.
  if (contentType.startsWith('application/octet-stream') && readStatusMessage(body) !== '') return readStatusMessage(body);
  const text = body.toString('utf8', 0, 1000);
  return /^[\s{}[\]"]*$|^\s*null\s*$/.test(text) ? '' : text; // an empty JSON value is no reason
}

/** Seconds, or a date. */
export function readRetryAfter(header: string | undefined): number | null {
  if (header === undefined || header.trim() === '') return null;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now());
}
