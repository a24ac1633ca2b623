/** Where the requests of a destination go: straight to the backend, through a proxy, or to a unix socket. */
import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { OtlpDestination, SignalName } from '../plan/types.ts';
import { describeConnectionError, describeStatus } from './failure-words.ts';
import type { TlsFiles } from './follow-files.ts';
import { ProxyFault, TunnelAgent, authorizationOf, describeProxyFault, describeRefusal, nameWay, placeOf, requestOf } from './proxy-tunnel.ts';

export interface HttpRoute {
  readonly isTls: boolean;
  readonly request: typeof httpRequest;
  /** Place, path and headers of a request for `signal`. */
  optionsFor(signal: SignalName): Pick<RequestOptions, 'host' | 'port' | 'path' | 'socketPath'> & { readonly headers: Record<string, string> };
  makeAgent(files: TlsFiles): HttpAgent;
  describeError(error: unknown): string;
  describeStatus(status: number, detail: string): string;
  /** Whether this answer is the proxy's, which says nothing about the backend. */
  isOfProxy(status: number): boolean;
}

/** As Go's clients: a backend that has moved is found again when nothing was sent for so long. */
export const IDLE_MS = 90_000;

export function routeTo(destination: OtlpDestination, idleMs: number): HttpRoute {
  const url = new URL(destination.url);
  const { proxy } = destination;
  const kept = { keepAlive: true, maxSockets: 8, timeout: idleMs } as const;
  url.username = url.password = '';
  const isTls = url.protocol === 'https:';
  const direct: HttpRoute = {
    isTls,
    request: isTls ? httpsRequest : httpRequest,
    optionsFor: () => ({ host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? (isTls ? 443 : 80) : url.port, path: url.pathname + url.search, headers: { host: url.host } }),
    makeAgent: (files) => (isTls ? new HttpsAgent({ ...kept, ...files }) : new HttpAgent(kept)),
    describeError: (error) => describeConnectionError(error, 'http'),
    describeStatus,
    isOfProxy: () => false,
  };
  if (url.protocol === 'unix:') {
    const socketPath = decodeURIComponent(url.pathname);
    return { ...direct, optionsFor: (signal) => ({ socketPath, path: `/v1/${signal}`, headers: { host: 'localhost' } }) };
  }
  if (proxy === undefined) return direct;
  if (isTls) {
    return {
      ...direct,
      makeAgent: (files) => new TunnelAgent({ ...kept, ...files }, proxy, destination.timeoutMs),
      describeError: (error) => (error instanceof ProxyFault ? error.message : direct.describeError(error)),
    };
  }
  return {
    ...direct,
    request: requestOf(proxy),
    // In the form that says the whole address: https://www.rfc-editor.org/rfc/rfc9112#name-absolute-form
    optionsFor: () => ({ ...placeOf(proxy), path: url.href, headers: { host: url.host, ...authorizationOf(proxy) } }),
    makeAgent: () => (proxy.url.startsWith('https:') ? new HttpsAgent(kept) : new HttpAgent(kept)),
    describeError: (error) => describeProxyFault(proxy, direct.describeError(error)),
    describeStatus: (status, detail) => (status === 407 ? describeRefusal(proxy, status, url.host) : `${describeStatus(status, detail)}${nameWay(destination)}`),
    isOfProxy: (status) => status === 407,
  };
}
