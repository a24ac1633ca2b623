/** The way through a proxy: https://www.rfc-editor.org/rfc/rfc9110#name-connect */
import { request as httpRequest, type ClientRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type AgentOptions } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { OtlpDestination, ProxyPlan } from '../plan/types.ts';
import { describeConnectionError } from './failure-words.ts';

/** A failure of the proxy or of the way to it, in words for people. */
export class ProxyFault extends Error {}

/** The connection behind a CONNECT to `target` (`host:port`). Rejects with a {@link ProxyFault}. */
export function openTunnel(proxy: ProxyPlan, target: string, timeoutMs: number, signal?: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const fail = (words: string): void => {
      clearTimeout(timer);
      request.destroy();
      reject(new ProxyFault(words));
    };
    const request: ClientRequest = requestOf(proxy)({
      ...placeOf(proxy),
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...authorizationOf(proxy) },
      agent: false,
      ...(signal === undefined ? {} : { signal }),
    });
    const timer = setTimeout(() => fail(describeProxyFault(proxy, `no answer within ${timeoutMs} ms`)), timeoutMs);
    request.on('connect', ({ statusCode = 0 }, socket: Duplex, head: Buffer) => {
      if (statusCode < 200 || statusCode >= 300) {
        socket.destroy();
        return fail(describeRefusal(proxy, statusCode, target));
      }
      clearTimeout(timer);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.on('response', ({ statusCode = 0 }) => fail(describeRefusal(proxy, statusCode, target)));
    request.on('error', (error) => fail(describeProxyFault(proxy, describeConnectionError(error, 'http'))));
    request.end();
  });
}

/** Connections by TLS through a proxy. */
export class TunnelAgent extends HttpsAgent {
  readonly #proxy: ProxyPlan;
  readonly #timeoutMs: number;
  readonly #closed = new AbortController();

  constructor(options: AgentOptions, proxy: ProxyPlan, timeoutMs: number) {
    super(options);
    this.#proxy = proxy;
    this.#timeoutMs = timeoutMs;
  }

  override createConnection(options: Parameters<HttpsAgent['createConnection']>[0], callback?: (error: Error | null, socket: Duplex) => void): undefined {
    const { host, port, servername } = options as { host: string; port: number | string; servername?: string };
    openTunnel(this.#proxy, `${host.includes(':') ? `[${host}]` : host}:${port}`, this.#timeoutMs, this.#closed.signal).then(
      (socket) => callback!(null, connectTls({ ...options, socket, ...(servername === undefined ? {} : { servername }) } as never)),
      (error: Error) => callback!(error, undefined as never),
    );
  }

  override destroy(): void {
    this.#closed.abort();
    super.destroy();
  }
}

/** Where a request to the proxy goes. Node would take the header `host`, which is the backend's, for the name in the certificate. */
export function placeOf({ url }: ProxyPlan): { readonly host: string; readonly port: number; readonly servername: string } {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port), servername: isIP(host) === 0 ? host : '' };
}

export function requestOf({ url }: ProxyPlan): typeof httpRequest {
  return url.startsWith('https:') ? httpsRequest : httpRequest;
}

export function authorizationOf({ credentials }: ProxyPlan): Record<string, string> {
  return credentials === undefined ? {} : { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}

export function describeProxyFault({ url, variable }: ProxyPlan, words: string): string {
  // The files of the TLS settings are for the backend.
  return `the proxy ${url} (${variable}): ${words.replaceAll('OTEL_EXPORTER_OTLP_CERTIFICATE', 'NODE_EXTRA_CA_CERTS')}`;
}

/** Behind words on what came through a proxy, or did not. */
export function nameWay({ proxy }: Pick<OtlpDestination, 'proxy'>): string {
  return proxy === undefined ? '' : ` (through the proxy ${proxy.url}, ${proxy.variable})`;
}

export function describeRefusal(proxy: ProxyPlan, status: number, target: string): string {
  if (status >= 502 && status <= 504) return describeProxyFault(proxy, `HTTP ${status}: it does not reach ${target}`);
  if (status !== 407) return describeProxyFault(proxy, `HTTP ${status}: it lets nothing through to ${target}; NO_PROXY=${target.replace(/:\d+$/, '')} leaves it out`);
  return describeProxyFault(proxy, proxy.credentials === undefined ? 'HTTP 407: it asks for user and password (http://user:password@… in the variable)' : 'HTTP 407: it does not accept the user and password in the variable');
}
