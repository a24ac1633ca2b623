import { describe, expect, test } from 'vitest';
import { isListed } from '../../src/settings/proxy.ts';
import { maskDestination } from '../../src/settings/show.ts';
import { read, readLines } from './project.ts';

const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const http = { [ENDPOINT]: 'http://c:4318' };
const https = { [ENDPOINT]: 'https://c' };
const grpc = { ...http, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };

test.each<[Record<string, string>, string | null]>([
  [http, null],
  [{ ...http, HTTP_PROXY: 'http://p:3128' }, 'http://p:3128 HTTP_PROXY'],
  [{ ...http, HTTP_PROXY: 'http://p', http_proxy: 'http://lower' }, 'http://lower http_proxy'],
  [{ ...http, HTTP_PROXY: 'p:3128' }, 'http://p:3128 HTTP_PROXY'],
  [{ ...http, HTTP_PROXY: 'https://p/' }, 'https://p HTTP_PROXY'],
  [{ ...http, HTTP_PROXY: ' ' }, null],
  [{ ...http, HTTPS_PROXY: 'http://p' }, null],
  [{ ...http, ALL_PROXY: 'http://p' }, 'http://p ALL_PROXY'],
  [{ ...http, HTTP_PROXY: 'http://p', REQUEST_METHOD: 'GET' }, null],
  [{ ...http, http_proxy: 'http://p', REQUEST_METHOD: 'GET' }, 'http://p http_proxy'],
  [{ ...https, HTTP_PROXY: 'http://p' }, null],
  [{ ...https, HTTPS_PROXY: 'http://p', all_proxy: 'http://all' }, 'http://p HTTPS_PROXY'],
  [{ ...https, HTTPS_PROXY: 'http://p', NO_PROXY: 'c' }, null],
  [{ ...https, HTTPS_PROXY: 'http://p', NO_PROXY: 'c:4318' }, 'http://p HTTPS_PROXY'],
  [{ ...https, HTTPS_PROXY: 'http://p', NO_PROXY: 'c', no_proxy: 'd' }, 'http://p HTTPS_PROXY'],
  [{ ...grpc, HTTP_PROXY: 'http://p' }, 'http://p HTTP_PROXY'],
  [{ ...grpc, HTTP_PROXY: 'http://p', HTTPS_PROXY: 'http://s', grpc_proxy: 'http://g' }, 'http://g grpc_proxy'],
  [{ ...grpc, HTTP_PROXY: 'http://p', HTTPS_PROXY: 'http://s' }, 'http://s HTTPS_PROXY'],
  [{ ...grpc, HTTP_PROXY: 'http://p', no_grpc_proxy: 'c' }, null],
  [{ ...http, HTTP_PROXY: 'http://p', no_grpc_proxy: 'c' }, 'http://p HTTP_PROXY'],
  // What is on this host is reached without one, as for Go.
  [{ HTTP_PROXY: 'http://p' }, null],
  [{ [ENDPOINT]: 'http://127.0.0.2:4318', HTTP_PROXY: 'http://p' }, null],
  [{ [ENDPOINT]: 'http://[::1]:4318', HTTP_PROXY: 'http://p' }, null],
  [{ [ENDPOINT]: 'http://localhost.example:4318', HTTP_PROXY: 'http://p' }, 'http://p HTTP_PROXY'],
])('%j: through %s', async (env, proxy) => {
  const { otlp, problems } = await read({ env });
  const found = otlp.traces.destination?.proxy;
  expect([found === undefined ? null : `${found.url} ${found.variable}`, problems]).toEqual([proxy, []]);
});

test.each<[Record<string, string>, string]>([
  [{ ...http, HTTP_PROXY: 'socks5://me:s3cret@p:1080' }, "HTTP_PROXY: proxies of 'socks5' are not supported; what goes to c is sent without it (for instance http://proxy.example:3128)"],
  [{ ...http, HTTP_PROXY: 'http://me:s3cret@:x' }, "HTTP_PROXY: 'http://***@:x' is no address of a proxy; what goes to c is sent without it (for instance http://proxy.example:3128)"],
  [{ ...grpc, HTTPS_PROXY: 'https://p' }, 'HTTPS_PROXY: gRPC does not go through a proxy that is spoken to by TLS; what goes to c is sent without it (OTLP over HTTP does: --protocol http/protobuf)'],
])('%j is said, without the password, and not used', async (env, line) => {
  expect(await readLines({ env })).toEqual([line]);
  expect((await read({ env })).otlp.traces.destination?.proxy).toBeUndefined();
});

test('user and password go beside the address, and are shown nowhere', async () => {
  const { otlp, credentials } = await read({ env: { ...https, HTTPS_PROXY: 'http://me:p%40ss@proxy:3128/' } });
  expect(otlp.traces.destination?.proxy).toEqual({ url: 'http://proxy:3128', credentials: 'me:p@ss', variable: 'HTTPS_PROXY' });
  expect(maskDestination(otlp.traces.destination!)).toMatchObject({ proxy: { url: 'http://proxy:3128', credentials: '***' } });
  // The application has its proxy as it had it.
  expect(credentials).toEqual([]);
});

describe('NO_PROXY', () => {
  test.each<[string, string, boolean]>([
    ['*', 'c', true],
    ['a,*', 'c', true],
    ['c', 'c', true],
    ['C', 'c', true],
    ['c.', 'c', true],
    ['a, c', 'c', true],
    ['a c', 'c', true],
    ['', 'c', false],
    [',', 'c', false],
    ['example.com', 'example.com', true],
    ['example.com', 'otlp.example.com', true],
    ['.example.com', 'otlp.example.com', true],
    ['.example.com', 'example.com', true],
    ['*.example.com', 'otlp.example.com', true],
    ['example.com', 'badexample.com', false],
    ['otlp.example.com', 'example.com', false],
    ['c:4318', 'c', true],
    ['c:4317', 'c', false],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1:4318', '10.0.0.1', true],
    ['0.0.1', '10.0.0.1', false],
    ['10.0.0.0/8', '10.200.3.4', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.0/9', '10.128.0.1', false],
    ['10.1.2.3/32', '10.1.2.3', true],
    ['0.0.0.0/0', '1.2.3.4', true],
    ['10.0.0.0/33', '10.0.0.1', false],
    ['10.0.0.0/8', 'ten.example', false],
    ['nonsense/8', '10.0.0.1', false],
    ['fd00::/8', '[fd12:3456::1]', true],
    ['fd00::/8', '[fe80::1]', false],
    ['fe80::1', '[fe80::1]', true],
    ['FE80:0::1', '[fe80::1]', true],
    ['[fe80::1]:4318', '[fe80::1]', true],
    ['[fe80::1]:4317', '[fe80::1]', false],
    ['::/0', '10.0.0.1', false],
  ])('%s and %s: %s', (list, host, listed) => {
    expect(isListed(host, '4318', list)).toBe(listed);
  });
});
