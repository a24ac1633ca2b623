import type { OtlpDestination, SignalName } from '../plan/types.ts';
import { quote } from './origin.ts';

export interface EndpointRequest {
  readonly text: string;
  readonly protocol: OtlpDestination['protocol'];
  readonly signal: SignalName;
  /** Given for this signal alone: used as it is. */
  readonly forSignal: boolean;
  /** gRPC without a scheme goes without TLS. */
  readonly insecure: boolean;
}

export type Endpoint =
  | { readonly url: string; /** `Basic …` of the user and password that stood in the URL. */ readonly authorization: string | null; readonly doubt: string | null; readonly hint: string | null }
  | { readonly url: null; readonly wrong: string; readonly hint: string | null };

/** The URL that the exporter gets. https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp */
export function readEndpoint({ text, protocol, signal, forSignal, insecure }: EndpointRequest): Endpoint {
  if (/^unix:/i.test(text)) return readSocket(text);
  const isGrpc = protocol === 'grpc';
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  const bare = scheme === undefined && /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?(?:\/.*)?$/i.test(text);
  const whole = scheme === undefined && isGrpc && bare ? `${insecure ? 'http' : 'https'}://${text}` : text;
  if (!/^https?:\/\//i.test(whole)) {
    return { url: null, wrong: `${quote(maskUrl(text))} is no http:// or https:// URL`, hint: bare ? `write http://${text} or https://${text}` : null };
  }
  let url: URL;
  try {
    url = new URL(whole);
  } catch {
    return { url: null, wrong: `${quote(maskUrl(text))} is no valid URL`, hint: 'for instance http://localhost:4318' };
  }
  const authorization = readAuthorization(url);
  return isGrpc ? { ...readGrpc(url), authorization } : { ...readHttp(url, signal, forSignal), authorization };
}

/** `unix:///run/otel.sock` and `unix:/run/otel.sock`, as gRPC has them: https://github.com/grpc/grpc/blob/master/doc/naming.md */
function readSocket(text: string): Endpoint {
  const [, path] = /^unix:(?:\/\/)?(\/(?!\/)[^?#]*[^/?#])$/i.exec(text) ?? [];
  if (path === undefined || !URL.canParse(`unix://${path}`)) return { url: null, wrong: `${quote(maskUrl(text))} names no absolute path of a socket`, hint: 'for instance unix:///run/otel.sock' };
  return { url: new URL(`unix://${path}`).href, authorization: null, doubt: null, hint: null };
}

/** The URL with user, password and the values of its query hidden. */
export function maskUrl(text: string): string {
  return text
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)?[^/?#]*@/i, '$1***@')
    .replace(/[?#].*$/s, (rest) => rest.replace(/=[^&#]*/g, '=***').replace(/^([?#])[^=]+$/, '$1***'));
}

function readGrpc(url: URL): { url: string; doubt: string | null; hint: string | null } {
  const port = url.port !== '' ? url.port : url.protocol === 'https:' ? '443' : '80';
  const rest = `${url.pathname === '/' ? '' : url.pathname}${url.search}`;
  return { url: `${url.protocol}//${url.hostname}:${port}`, doubt: rest === '' ? null : `gRPC has no path: ${quote(maskUrl(rest))} is not used`, hint: null };
}

function readHttp(url: URL, signal: SignalName, forSignal: boolean): { url: string; doubt: string | null; hint: string | null } {
  url.hash = '';
  const path = `/v1/${signal}`;
  if (forSignal) {
    const isBare = url.pathname === '/';
    const doubt = isBare ? `an endpoint of one signal is used as it is: ${signal} go to the path /, not ${path}` : null;
    return { url: url.href, doubt, hint: isBare ? `write ${maskUrl(withPath(url, path))}` : null };
  }
  const own = url.pathname.replace(/\/+$/, '');
  // Of the general endpoint it is said once.
  const base = signal === 'traces' && own.endsWith(path) ? own.slice(0, -path.length) : undefined;
  const doubt = base === undefined ? null : `the path ${path} is appended to it, and it ends with it already`;
  const hint = base === undefined ? null : `write ${maskUrl(withPath(url, base))}`;
  url.pathname = `${own}${path}`;
  return { url: url.href, doubt, hint };
}

/** Without the bare slash that a URL without a path ends with. */
function withPath(url: URL, path: string): string {
  return `${url.protocol}//${url.host}${path}${url.search}`;
}

/** Takes user and password out of the URL: a URL is named in messages and files, a header is not. */
function readAuthorization(url: URL): string | null {
  if (url.username === '' && url.password === '') return null;
  const pair = [url.username, url.password].map(decode).join(':');
  url.username = '';
  url.password = '';
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/** What is percent-encoded in it, or the text itself where that is not valid. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
