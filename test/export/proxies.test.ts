/** Through proxies, by the usual variables: real ones on loopback, which lead to a backend whose name nothing else resolves. */
import { createServer, type AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startForwardProxy, type ForwardProxy, type ForwardProxyOptions } from '../harness/forward-proxy.ts';
import { nodes } from '../harness/nodes.ts';
import { closedPort, makeCertificates, startReceiver, type Receiver, type ReceiverOptions } from '../harness/receiver.ts';
import { otelRun, type RunResult } from '../harness/run.ts';
import { drain, makePlace, node, type Place } from './runs.ts';
import { keptOf, missingOf, threeEnv, threeScript, threeSignals } from '../signals/three.ts';

const COUNT = 20;
const protocols = ['http/protobuf', 'grpc'] as const;
type Protocol = (typeof protocols)[number];

function makeTestPlace(): Place {
  const place = makePlace();
  onTestFinished(() => place.remove());
  return place;
}

async function receive(options: ReceiverOptions = {}): Promise<Receiver> {
  const receiver = await startReceiver(options);
  onTestFinished(() => receiver.close());
  return receiver;
}

async function startProxy(options: ForwardProxyOptions = {}): Promise<ForwardProxy> {
  const proxy = await startForwardProxy(options);
  onTestFinished(() => proxy.close());
  return proxy;
}

/** The receiver by a name that the proxy alone knows. */
const far = (receiver: Receiver, protocol: Protocol): string => {
  const { protocol: scheme, port } = new URL(protocol === 'grpc' ? receiver.grpcUrl : receiver.httpUrl);
  return `${scheme}//elsewhere.test:${port}`;
};

function run(place: Place, protocol: Protocol, env: Record<string, string>, args: readonly string[] = [threeScript, String(COUNT)], by = node): Promise<RunResult> {
  return otelRun({ node: by, topology: 'parent', args: [by, ...args], env: { ...place.env, ...threeEnv, OTEL_METRICS_EXPORTER: 'otlp', OTEL_LOGS_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: protocol, ...env } });
}

const missing = (receiver: Receiver): number[][] => threeSignals.map((signal) => missingOf(receiver, signal, COUNT));
const complete = [[], [], []];

test.each(protocols)('%s without TLS: all signals go through the proxy, with its credentials', async (protocol) => {
  const place = makeTestPlace();
  const receiver = await receive();
  const proxy = await startProxy({ credentials: 'me:s3cret' });
  const result = await run(place, protocol, { OTEL_EXPORTER_OTLP_ENDPOINT: far(receiver, protocol), HTTP_PROXY: proxy.url.replace('//', '//me:s3cret@') });
  expect([result.stderr, missing(receiver), place.kept()]).toEqual(['', complete, []]);
  const { host } = new URL(far(receiver, protocol));
  const expected = protocol === 'grpc' ? [`CONNECT ${host}`] : threeSignals.map((signal) => `POST http://${host}/v1/${signal}`);
  expect([...new Set(proxy.asked)].sort()).toEqual([...expected].sort());
  // What is meant for the proxy goes no further, and the backend is asked by its own name.
  for (const { headers } of receiver.requests) expect(headers).not.toHaveProperty('proxy-authorization');
  if (protocol !== 'grpc') expect(receiver.requests[0]!.headers['host']).toBe(host);
});

test.each(protocols.flatMap((protocol) => (['node20min', 'node26'] as const).map((line) => [protocol, line] as const)))('%s with TLS, %s: by CONNECT, the certificate is checked against the name of the backend', async (protocol, line) => {
  const place = makeTestPlace();
  const made = makeCertificates(place.home);
  const receiver = await receive({ tls: { cert: made.wrongHost, key: made.key, clientCa: made.ca } });
  const proxy = await startProxy();
  const endpoint = far(receiver, protocol);
  const result = await run(place, protocol, {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_CERTIFICATE: made.ca,
    OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: made.clientCert,
    OTEL_EXPORTER_OTLP_CLIENT_KEY: made.clientKey,
    https_proxy: proxy.url,
  }, undefined, nodes[line]);
  expect([result.stderr, missing(receiver)]).toEqual(['', complete]);
  expect([...new Set(proxy.asked)]).toEqual([`CONNECT ${new URL(endpoint).host}`]);
});

test.each(['none', 'backend'] as const)('a proxy that is spoken to by TLS, TLS to: %s', async (tls) => {
  const place = makeTestPlace();
  const made = makeCertificates(place.home);
  const receiver = await receive(tls === 'backend' ? { tls: { cert: made.wrongHost, key: made.key } } : {});
  const proxy = await startProxy({ tls: { cert: made.cert, key: made.key } });
  const result = await run(place, 'http/protobuf', { OTEL_EXPORTER_OTLP_ENDPOINT: far(receiver, 'http/protobuf'), OTEL_EXPORTER_OTLP_CERTIFICATE: made.ca, ALL_PROXY: proxy.url, NODE_EXTRA_CA_CERTS: made.ca });
  expect([result.stderr, missing(receiver)]).toEqual(['', complete]);
  expect(proxy.asked.length).toBeGreaterThan(0);
});

test('the certificate of a proxy is not checked by the CA of the backend', async () => {
  const place = makeTestPlace();
  const made = makeCertificates(place.home);
  const proxy = await startProxy({ tls: { cert: made.cert, key: made.key } });
  const { stderr } = await run(place, 'http/protobuf', { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://elsewhere.test', OTEL_EXPORTER_OTLP_CERTIFICATE: made.ca, HTTPS_PROXY: proxy.url });
  expect(stderr).toMatch(/the proxy https:\/\/localhost:\d+ \(HTTPS_PROXY\): its certificate is signed by an authority that is not trusted here: name the CA file in NODE_EXTRA_CA_CERTS/);
});

test.each(protocols)('%s: what is on this host, and what NO_PROXY names, is reached without it', async (protocol) => {
  const place = makeTestPlace();
  const receiver = await receive();
  const proxy = await startProxy();
  const url = protocol === 'grpc' ? receiver.grpcUrl : receiver.httpUrl;
  const result = await run(place, protocol, { OTEL_EXPORTER_OTLP_ENDPOINT: url, ALL_PROXY: proxy.url });
  expect([result.stderr, missing(receiver), proxy.asked]).toEqual(['', complete, []]);
  const named = await run(place, protocol, { OTEL_EXPORTER_OTLP_ENDPOINT: far(receiver, protocol), ALL_PROXY: proxy.url, NO_PROXY: '.test' });
  expect(named.stderr).toMatch(/kept for .*: the host name cannot be resolved/);
  expect(proxy.asked).toEqual([]);
});

interface Trouble {
  readonly proxy: ForwardProxyOptions | null;
  readonly user?: string;
  readonly says: RegExp;
}

const troubles: Record<string, Trouble> = {
  'is not there': { proxy: null, says: /: the proxy http:\/\/127\.0\.0\.1:\d+ \(HTTP_PROXY\): connection refused: nothing listens there/ },
  'asks for credentials': { proxy: { credentials: 'me:s3cret' }, says: /: the proxy http:\/\/127\.0\.0\.1:\d+ \(HTTP_PROXY\): HTTP 407: it asks for user and password \(http:\/\/user:password@… in the variable\)/ },
  'asks for other credentials': { proxy: { credentials: 'me:s3cret' }, user: 'me:s3cond', says: /\(HTTP_PROXY\): HTTP 407: it does not accept the user and password in the variable/ },
};

test.each(protocols.flatMap((protocol) => Object.entries(troubles).map(([what, trouble]) => [protocol, what, trouble] as const)))('%s: a proxy that %s is said by the variable that names it, everything is kept', async (protocol, _, { proxy: options, user, says }) => {
  const place = makeTestPlace();
  const receiver = await receive();
  const proxy = options === null ? null : await startProxy(options);
  const url = proxy?.url ?? `http://127.0.0.1:${await closedPort()}`;
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: far(receiver, protocol), HTTP_PROXY: user === undefined ? url : url.replace('//', `//${user}@`) };
  const result = await run(place, protocol, env);
  expect(result).toMatchObject({ exitCode: 0, stdout: '' });
  expect(result.stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(says)]);
  expect(result.stderr).not.toMatch(/s3c/);
  expect(threeSignals.map((signal) => keptOf(place, signal))).toEqual([COUNT, expect.any(Number), COUNT]);
  expect(receiver.requests).toEqual([]);
  // The proxy is no part of the destination: another way brings what is kept.
  const other = await startProxy();
  const drained = await drain({ ...place.env, OTEL_METRICS_EXPORTER: 'otlp', OTEL_LOGS_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: protocol, ...env, HTTP_PROXY: other.url });
  expect([drained.exitCode, missing(receiver), place.kept()]).toEqual([0, complete, []]);
});

test.each(protocols.flatMap((protocol) => [[protocol, 403, 'it lets nothing through to elsewhere\\.test:\\d+; NO_PROXY=elsewhere\\.test leaves it out'], [protocol, 502, 'it does not reach elsewhere\\.test:\\d+']] as const))('%s: a proxy that answers CONNECT with %d', async (protocol, status, words) => {
  const place = makeTestPlace();
  const made = makeCertificates(place.home);
  const receiver = await receive({ tls: { cert: made.wrongHost, key: made.key } });
  const proxy = await startProxy({ status });
  const { stderr } = await run(place, protocol, { OTEL_EXPORTER_OTLP_ENDPOINT: far(receiver, protocol), OTEL_EXPORTER_OTLP_CERTIFICATE: made.ca, HTTPS_PROXY: proxy.url });
  expect(stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(new RegExp(`the proxy http:\\S+ \\(HTTPS_PROXY\\): HTTP ${status}: ${words}`))]);
  expect(threeSignals.map((signal) => keptOf(place, signal) >= COUNT)).toEqual([true, true, true]);
});

test('the application has its variables as they were, and nothing of them in its plan', async () => {
  const place = makeTestPlace();
  const receiver = await receive();
  const proxy = await startProxy();
  const variables = { HTTP_PROXY: proxy.url.replace('//', '//me:s3cret@'), https_proxy: proxy.url, NO_PROXY: 'a,b' };
  const look = ['-e', `console.log(JSON.stringify(Object.entries(process.env).filter(([name]) => /proxy/i.test(name)).sort()), (process.env.OTEL_RUN_PLAN ?? '').includes('s3cret'))`];
  const { stdout } = await run(place, 'http/protobuf', { ...variables, OTEL_EXPORTER_OTLP_ENDPOINT: far(receiver, 'http/protobuf') }, look);
  expect(stdout).toBe(`${JSON.stringify(Object.entries(variables).sort())} false\n`);
});

test('--dry-run says which proxy, and whose variable, without the password', async () => {
  const { stdout } = await otelRun({ node, args: ['--dry-run', 'node', '-e', '0'], env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c.example', HTTPS_PROXY: 'http://me:s3cret@proxy:3128' } });
  expect(stdout).toContain('traces to https://c.example/v1/traces (http/protobuf; through http://proxy:3128, HTTPS_PROXY); undelivered: keep');
  expect(stdout).not.toContain('s3cret');
});

test.each(protocols)('%s: a proxy that never answers', async (protocol) => {
  const place = makeTestPlace();
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void silent.close());
  const { port } = silent.address() as AddressInfo;
  const args = [threeScript, String(COUNT), '1500'];
  const { stderr } = await run(place, protocol, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://elsewhere.test:4317', HTTP_PROXY: `http://127.0.0.1:${port}`, OTEL_EXPORTER_OTLP_TIMEOUT: '300' }, args);
  expect(stderr).toMatch(/20 spans for \S+ kept .*: no answer within 300 ms \(through the proxy http:\S+, HTTP_PROXY\)/);
});
