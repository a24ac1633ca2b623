import { Client, Metadata, credentials, logVerbosity, setLogVerbosity, status, type ChannelCredentials, type ChannelOptions, type ServiceError } from '@grpc/grpc-js';
import type { OtlpDestination, SignalName } from '../plan/types.ts';
import { readPartialSuccess, readRetryDelay } from './answers.ts';
import { describeConnectionError, tame } from './failure-words.ts';
import { followHeaders, followTlsFiles, type TlsFiles } from './follow-files.ts';
import { IDLE_MS } from './http-route.ts';
import { nameDestination } from './keep.ts';
import { ProxyFault, nameWay, openTunnel, placeOf } from './proxy-tunnel.ts';
import type { Batch, ExportOutcome, Exporter } from './types.ts';
import { version } from './version.ts';

const METHODS: Readonly<Record<SignalName, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
};
/** https://opentelemetry.io/docs/specs/otlp/#failures; RESOURCE_EXHAUSTED only where the server says when to come back. */
const RETRYABLE = new Set<number>([status.CANCELLED, status.DEADLINE_EXCEEDED, status.ABORTED, status.OUT_OF_RANGE, status.UNAVAILABLE, status.DATA_LOSS]);
const MOST_ANSWER_BYTES = 4 * 1024 * 1024;

/** OTLP over gRPC. Requests are passed on as the bytes that they are. */
export function createOtlpGrpcExporter(destination: OtlpDestination): Exporter {
  const { proxy } = destination;
  const { target, options: ofRoute, behindProxy, isTls } = routeTo(destination);
  const tlsFiles = followTlsFiles(destination);
  const headers = followHeaders(destination);
  let client: Client | null = null;
  let clientFiles: TlsFiles | null = null;

  return {
    name: nameDestination(destination),
    async export(batch, signal) {
      try {
        const used = headers.current();
        const { error, answer } = await call(currentClient(), batch, signal, used);
        if (error === null) return accepted(answer);
        // The credentials may have been renewed a moment ago.
        if (error.code === status.UNAUTHENTICATED && headers.hasChangedSince(used)) {
          const second = await call(currentClient(), batch, signal, headers.current());
          return second.error === null ? accepted(second.answer) : await failed(second.error, signal);
        }
        if (isTls && error.code === status.UNAVAILABLE) tlsFiles.lookAgain();
        return await failed(error, signal);
      } catch (error) {
        const { syscall, message } = error as NodeJS.ErrnoException;
        return { kind: 'retry', reason: syscall === undefined ? describeConnectionError(error, 'grpc') : `a file of the TLS settings cannot be read: ${message}` };
      }
    },
    async close() {
      forget();
    },
  };

  function call(connection: Client, batch: Batch, signal: AbortSignal, sent: Readonly<Record<string, string>>): Promise<Answer> {
    return new Promise((resolve) => {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(sent)) metadata.set(name, value);
      const deadline = Date.now() + destination.timeoutMs;
      const request = connection.makeUnaryRequest(METHODS[batch.signal], asItIs, asItIs, batch.body, metadata, { deadline }, (error, answer) => {
        signal.removeEventListener('abort', cancel);
        resolve({ error, answer: answer ?? Buffer.alloc(0) });
      });
      const cancel = (): void => request.cancel();
      if (signal.aborted) cancel();
      else signal.addEventListener('abort', cancel, { once: true });
    });
  }

  async function failed(error: ServiceError, signal: AbortSignal): Promise<ExportOutcome> {
    if (signal.aborted) return { kind: 'retry', reason: 'no answer before the end' };
    const name = status[error.code] ?? String(error.code);
    if (error.code === status.RESOURCE_EXHAUSTED) {
      const afterMs = retryDelay(error);
      const reason = `gRPC ${name}: ${tame(error.details, 160)}`;
      return afterMs === null ? { kind: 'too-large', reason } : { kind: 'retry', reason, afterMs };
    }
    if (!RETRYABLE.has(error.code)) return { kind: 'refused', reason: refusal(error.code, name, error.details) };
    // The connection may lead to nobody any more, which TCP finds out within a quarter of an hour.
    if (error.code === status.DEADLINE_EXCEEDED) forget();
    const afterMs = retryDelay(error);
    const reason = (error.code === status.UNAVAILABLE ? await proxyFault(signal) : null) ?? attemptWords(error, destination);
    return { kind: 'retry', reason, ...(afterMs === null ? {} : { afterMs }) };
  }

  function currentClient(): Client {
    const files = isTls ? tlsFiles.current() : NO_FILES;
    if (client === null || files !== clientFiles) {
      forget();
      // It would say on stderr what we say ourselves.
      setLogVerbosity(logVerbosity.NONE);
      client = new Client(target, channelCredentials(isTls, files), {
        'grpc.primary_user_agent': `otel-run/${version()}`,
        'grpc.max_receive_message_length': MOST_ANSWER_BYTES,
        // One attempt is one attempt: retries are the pipeline's, which counts them.
        'grpc.enable_retries': 0,
        // The proxy is the one of the plan: this process is not given the variables.
        'grpc.enable_http_proxy': 0,
        ...ofRoute,
        // A backend that has moved is found again; nobody is asked for settings of the channel by DNS.
        'grpc.dns_min_time_between_resolutions_ms': 1000,
        'grpc.client_idle_timeout_ms': IDLE_MS,
        'grpc.service_config_disable_resolution': 1,
        'grpc.initial_reconnect_backoff_ms': 100,
        'grpc.max_reconnect_backoff_ms': 2000,
        ...(destination.compression === 'gzip' ? { 'grpc.default_compression_algorithm': 2 } : {}),
      });
      clientFiles = files;
    }
    return client;
  }

  /** Calls that are on their way go on; the next one looks for the backend anew. */
  function forget(): void {
    client?.close();
    client = null;
  }

  /** gRPC does not tell what is wrong with the proxy. */
  async function proxyFault(signal: AbortSignal): Promise<string | null> {
    if (proxy === undefined) return null;
    try {
      (await openTunnel(proxy, behindProxy, destination.timeoutMs, signal)).destroy();
      return null;
    } catch (error) {
      return error instanceof ProxyFault && !signal.aborted ? error.message : null;
    }
  }
}

interface Route {
  readonly target: string;
  readonly options: ChannelOptions;
  /** `host:port` that the proxy is asked for. */
  readonly behindProxy: string;
  readonly isTls: boolean;
}

function routeTo({ url: text, proxy }: OtlpDestination): Route {
  const url = new URL(text);
  const isTls = url.protocol === 'https:';
  if (url.protocol === 'unix:') return { target: `unix:${decodeURIComponent(url.pathname)}`, options: {}, behindProxy: '', isTls };
  const target = url.port !== '' ? url.host : `${url.host}:${isTls ? 443 : 80}`;
  if (proxy === undefined) return { target, options: {}, behindProxy: '', isTls };
  const { host, port } = placeOf(proxy);
  const options = {
    'grpc.http_connect_target': `dns:${target}`,
    ...(proxy.credentials === undefined ? {} : { 'grpc.http_connect_creds': proxy.credentials }),
    'grpc.default_authority': target,
  };
  return { target: `${host.includes(':') ? `[${host}]` : host}:${port}`, options, behindProxy: target, isTls };
}

interface Answer {
  readonly error: ServiceError | null;
  readonly answer: Buffer;
}

const NO_FILES: TlsFiles = {};

function channelCredentials(isTls: boolean, { ca, key, cert }: TlsFiles): ChannelCredentials {
  return isTls ? credentials.createSsl(ca ?? null, key ?? null, cert ?? null) : credentials.createInsecure();
}

const asItIs = (bytes: Buffer): Buffer => bytes;

function accepted(answer: Buffer): ExportOutcome {
  const { rejected, message } = readPartialSuccess(answer);
  return { kind: 'delivered', rejected, ...(message === '' ? {} : { message: tame(message, 160) }) };
}

/** Milliseconds of RetryInfo in the trailer, or null. */
function retryDelay(error: ServiceError): number | null {
  const [details] = error.metadata?.get('grpc-status-details-bin') ?? [];
  return Buffer.isBuffer(details) ? readRetryDelay(details) : null;
}

function attemptWords(error: ServiceError, destination: OtlpDestination): string {
  if (error.code === status.DEADLINE_EXCEEDED) return `no answer within ${destination.timeoutMs} ms${nameWay(destination)}`;
  if (error.code === status.UNAVAILABLE) {
    const httpStatus = /HTTP status code (\d+)/i.exec(error.details)?.[1];
    if (httpStatus !== undefined) return `HTTP ${httpStatus} in place of gRPC: an HTTP port? (--protocol http/protobuf, or the gRPC port, usually 4317)`;
    if (/Protocol error|PROTOCOL_ERROR|FRAME_SIZE_ERROR|HTTP\/1/i.test(error.details)) return 'it does not speak gRPC: an HTTP port? (--protocol http/protobuf, or the gRPC port, usually 4317)';
    return describeConnectionError(new Error(error.details), 'grpc');
  }
  return `gRPC ${status[error.code]}: ${tame(error.details, 160)}`;
}

function refusal(code: number, name: string, details: string): string {
  if (code === status.UNAUTHENTICATED) return `gRPC ${name}: the backend does not accept the credentials: check OTEL_EXPORTER_OTLP_HEADERS`;
  if (code === status.PERMISSION_DENIED) return `gRPC ${name}: the backend refuses these credentials: check OTEL_EXPORTER_OTLP_HEADERS`;
  if (code === status.UNIMPLEMENTED) return `gRPC ${name}: nothing takes telemetry there: an HTTP port or another service? (--protocol http/protobuf, or the gRPC port, usually 4317)`;
  return `gRPC ${name}: ${tame(details, 160)}`;
}
