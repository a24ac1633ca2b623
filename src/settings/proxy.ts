import type { ProxyPlan } from '../plan/types.ts';
import { decode, maskUrl } from './endpoint.ts';
import { problemAt, quote } from './origin.ts';
import type { Env, Problem } from './types.ts';

/** Lower-case names come first, as for curl, Node and Python. */
const BY_SCHEME = { 'http:': ['http_proxy', 'HTTP_PROXY'], 'https:': ['https_proxy', 'HTTPS_PROXY'] } as const;
/** gRPC's own variables, and its order: https://github.com/grpc/grpc/blob/master/doc/environment_variables.md */
const BY_GRPC = ['grpc_proxy', 'GRPC_PROXY', ...BY_SCHEME['https:'], ...BY_SCHEME['http:']];
const ANY = ['all_proxy', 'ALL_PROXY'];
const NONE = ['no_proxy', 'NO_PROXY'];

/**
 * The proxy on the way to `url`, by the variables that other programs obey; null where there is none. As for Go, nothing that
 * is on this host is sent through one: a Collector on localhost is there to be reached by localhost.
 */
export function findProxy(url: string, isGrpc: boolean, env: Env, say: (problem: Problem) => void): ProxyPlan | null {
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') return null;
  // In a CGI program HTTP_PROXY is the header `Proxy` of whoever has called it: https://httpoxy.org
  const names = [...(isGrpc ? BY_GRPC : BY_SCHEME[protocol]), ...ANY].filter((name) => name !== 'HTTP_PROXY' || env['REQUEST_METHOD'] === undefined);
  const variable = firstSet(names, env);
  if (variable === null || isLoopback(hostname)) return null;
  const without = firstSet(isGrpc ? ['no_grpc_proxy', 'NO_GRPC_PROXY', ...NONE] : NONE, env);
  if (without !== null && isListed(hostname, port === '' ? (protocol === 'https:' ? '443' : '80') : port, env[without]!)) return null;

  const text = env[variable]!.trim();
  const refuse = (why: string, hint: string): null => {
    say(problemAt({ kind: 'env', name: variable }, `${why}; what goes to ${hostname} is sent without it`, { hint }));
    return null;
  };
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const proxy = URL.canParse(whole) ? new URL(whole) : null;
  const example = 'for instance http://proxy.example:3128';
  if (proxy === null || proxy.hostname === '') return refuse(`${quote(maskUrl(text))} is no address of a proxy`, example);
  if (proxy.protocol !== 'http:' && proxy.protocol !== 'https:') return refuse(`proxies of ${quote(proxy.protocol.slice(0, -1))} are not supported`, example);
  if (isGrpc && proxy.protocol === 'https:') return refuse('gRPC does not go through a proxy that is spoken to by TLS', 'OTLP over HTTP does: --protocol http/protobuf');
  const credentials = proxy.username === '' && proxy.password === '' ? null : `${decode(proxy.username)}:${decode(proxy.password)}`;
  return { url: `${proxy.protocol}//${proxy.host}`, variable, ...(credentials !== null && { credentials }) };
}

function firstSet(names: readonly string[], env: Env): string | null {
  return names.find((name) => (env[name]?.trim() ?? '') !== '') ?? null;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname);
}

/**
 * Whether `list` names the host: `*`, a host and what is below it (`example.com`, `.example.com` and `*.example.com` alike), an
 * address, a network (`10.0.0.0/8`), each but the network also with a port. Separated by commas or blanks.
 */
export function isListed(hostname: string, port: string, list: string): boolean {
  const host = hostname.toLowerCase().replace(/^\[|\]$|\.$/g, '');
  const address = readAddress(host);
  return list.toLowerCase().split(/[\s,]+/).some((entry) => {
    if (entry === '*') return true;
    const network = /^(.+)\/(\d+)$/.exec(entry);
    if (network !== null) return address !== null && isInside(address, readAddress(network[1]!.replace(/^\[|\]$/g, '')), Number(network[2]));
    // A bare IPv6 address has colons of its own.
    const [, bracketed, plain, ofPort] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(entry) ?? [undefined, undefined, entry];
    const name = (bracketed ?? plain ?? '').replace(/^\*?\./, '').replace(/\.$/, '');
    if (name === '' || (ofPort !== undefined && ofPort !== port)) return false;
    if (address !== null) return readAddress(name)?.join() === address.join();
    return host === name || host.endsWith(`.${name}`);
  });
}

/** The bytes of an address; null where it is a name. */
function readAddress(text: string): number[] | null {
  if (/^\d+(?:\.\d+){3}$/.test(text)) {
    const bytes = text.split('.').map(Number);
    return bytes.every((byte) => byte < 256) ? bytes : null;
  }
  if (!/^[0-9a-f:]*:[0-9a-f:]*$/.test(text)) return null;
  const [head = '', tail] = text.split('::');
  const words = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const behind = tail === undefined ? [] : words(tail);
  const missing = 8 - words(head).length - behind.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  return [...words(head), ...Array<string>(missing).fill('0'), ...behind].flatMap((word) => [Number.parseInt(word, 16) >> 8, Number.parseInt(word, 16) & 0xff]);
}

function isInside(address: readonly number[], network: readonly number[] | null, bits: number): boolean {
  if (network?.length !== address.length || bits > 8 * address.length) return false;
  return address.every((byte, at) => {
    const mask = 0xff & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * at)));
    return (byte & mask) === (network[at]! & mask);
  });
}
