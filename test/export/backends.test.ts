/**
 * Every way in which a backend, or the way to it, can fail (rows 13 to 20 of the fault matrix): the application behaves as under
 * plain Node, what did not arrive is kept or counted, one line says why and what to do, and the end is not held up beyond the
 * promise.
 */
import { spawnSync } from 'node:child_process';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startProxy, type NetworkFault } from '../harness/proxy.ts';
import { closedPort, makeCertificates, startReceiver, type Certificates, type Misbehaviour, type Receiver, type ReceiverOptions } from '../harness/receiver.ts';
import { cleanEnv, launcher, startPlainNode, type RunResult } from '../harness/run.ts';
import { drain, makePlace, node, numberedScript, startNumbered, type Place } from './runs.ts';

const protocols = ['http/protobuf', 'grpc'] as const;
type Protocol = (typeof protocols)[number];

const SPANS = 100;
const ENDING = ['speak', 300];
/** The promises, and what a busy machine may add. */
const KNOWN_BAD_MS = 500;
const UNREACHED_MS = 2000;
const NOISE_MS = 1400;

interface Ended {
  readonly own: readonly string[];
  readonly delayMs: number;
}

/** Runs the application against `url`, compares it with plain Node, and answers with our lines and the time it took us to end. */
async function runAgainst(url: string, protocol: Protocol, place: Place, more: Record<string, string> = {}): Promise<Ended> {
  const env = { ...place.env, OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_EXPORTER_OTLP_ENDPOINT: url, ...more };
  const program = startNumbered([1, SPANS, ...ENDING], env);
  const result = await program.ended;
  const endedAt = Date.now();
  const own = result.stderr.split('\n').filter((line) => line.startsWith('otel-run: '));
  expect(comparable({ ...result, stderr: result.stderr.split('\n').filter((line) => !line.startsWith('otel-run: ')).join('\n') })).toEqual(comparable(await plain()));
  return { own, delayMs: endedAt - Number(/ended (\d+)/.exec(result.stdout)![1]) };
}

let plainResult: Promise<RunResult> | null = null;

function plain(): Promise<RunResult> {
  return (plainResult ??= startPlainNode({ node, args: [numberedScript, '1', String(SPANS), ...ENDING.map(String)] }).ended);
}

const comparable = ({ stdout, stderr, exitCode, signal }: RunResult) => ({ stdout: stdout.replace(/\d+/g, '#'), stderr, exitCode, signal });

/** Everything is somewhere: what the receiver misses is in the state directory or counted in a line. */
function account(receiver: Receiver | null, place: Place, own: readonly string[]): { kept: number; lost: number } {
  const kept = place.kept().reduce((sum, name) => sum + Number(/-(\d+)-[0-9a-f]+\.otlp/.exec(name)![1]), 0);
  const lost = own.flatMap((line) => [...line.matchAll(/(\d+) spans? for \S+ lost/g)]).reduce((sum, [, count]) => sum + Number(count), 0);
  expect(receiver === null ? SPANS : receiver.missing(SPANS).length).toBe(kept + lost);
  return { kept, lost };
}

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

const urlOf = (receiver: Receiver, protocol: Protocol): string => (protocol === 'grpc' ? receiver.grpcUrl : receiver.httpUrl);

interface Row {
  readonly how: Misbehaviour;
  readonly fate: 'kept' | 'lost' | 'delivered';
  readonly lost?: number;
  /** What the line says, or nothing where there is none. */
  readonly says: RegExp | null;
  readonly withinMs: number;
  readonly requests?: number;
}

const answers: Record<string, Row> = {
  'never answers': { how: { kind: 'hang' }, fate: 'kept', says: /no answer$/, withinMs: UNREACHED_MS },
  'answers three seconds late': { how: { kind: 'slow', delayMs: 3000 }, fate: 'kept', says: /no answer$/, withinMs: UNREACHED_MS },
  '503': { how: { kind: 'status', status: 503 }, fate: 'kept', says: /(HTTP 503|gRPC UNAVAILABLE|connection failed|gRPC failed)/, withinMs: KNOWN_BAD_MS },
  '429 with a Retry-After of an hour': { how: { kind: 'status', status: 429, grpc: 8, retryAfterMs: 3600_000 }, fate: 'kept', says: /(HTTP 429|RESOURCE_EXHAUSTED)/, withinMs: KNOWN_BAD_MS, requests: 1 },
  '503 with a Retry-After beyond all bounds': { how: { kind: 'status', status: 503, grpc: 14, retryAfterMs: 1e15 }, fate: 'kept', says: /(HTTP 503|UNAVAILABLE|failed)/, withinMs: KNOWN_BAD_MS, requests: 1 },
  '400': { how: { kind: 'status', status: 400, grpc: 3, body: 'spans must\u001b[31m be green\n', message: 'spans must\u001b[31m be green\n' }, fate: 'lost', says: /spans must \[31m be green$/, withinMs: KNOWN_BAD_MS, requests: 1 },
  '401': { how: { kind: 'status', status: 401, grpc: 16 }, fate: 'lost', says: /credentials: check OTEL_EXPORTER_OTLP_HEADERS/, withinMs: KNOWN_BAD_MS, requests: 1 },
  '413 above 30 spans': { how: { kind: 'limit', items: 30 }, fate: 'delivered', says: null, withinMs: UNREACHED_MS },
  '500': { how: { kind: 'status', status: 500, grpc: 13 }, fate: 'lost', says: /(HTTP 500|gRPC INTERNAL)/, withinMs: KNOWN_BAD_MS, requests: 1 },
  'garbage': { how: { kind: 'garbage' }, fate: 'delivered', says: null, withinMs: KNOWN_BAD_MS },
  'five gigabytes': { how: { kind: 'flood', bytes: 5 * 2 ** 30 }, fate: 'delivered', says: null, withinMs: UNREACHED_MS },
  'a partial success': { how: { kind: 'partial', rejected: 7, message: 'seven are too old' }, fate: 'lost', lost: 7, says: /refused by the backend: seven are too old$/, withinMs: KNOWN_BAD_MS },
};

describe.each(protocols)('%s: a backend whose answer is', (protocol) => {
  test.each(Object.entries(answers))('%s', async (_, { how, fate, lost = SPANS, says, withinMs, requests }) => {
    const place = makeTestPlace();
    const receiver = await receive();
    receiver.misbehave(how);
    const { own, delayMs } = await runAgainst(urlOf(receiver, protocol), protocol, place, { OTEL_EXPORTER_OTLP_HEADERS: 'x-token=very-secret' });
    expect(own).toEqual(says === null ? [] : [expect.stringMatching(says)]);
    expect(own.join()).not.toContain('very-secret');
    expect(account(receiver, place, own)).toEqual({ kept: fate === 'kept' ? SPANS : 0, lost: fate === 'lost' ? lost : 0 });
    expect(delayMs).toBeLessThan(withinMs + NOISE_MS);
    if (requests !== undefined) expect(receiver.requests).toHaveLength(requests);
  });
});

test.each(protocols)('%s: a backend that refuses connections', async (protocol) => {
  const place = makeTestPlace();
  const { own, delayMs } = await runAgainst(`http://127.0.0.1:${await closedPort()}`, protocol, place);
  expect(own).toEqual([expect.stringMatching(/kept for the next run or `otel-run drain`: connection refused: nothing listens there$/)]);
  expect(account(null, place, own)).toEqual({ kept: SPANS, lost: 0 });
  expect(delayMs).toBeLessThan(KNOWN_BAD_MS + NOISE_MS);
});

const networks: Record<string, { fault: NetworkFault; reachesIt?: true }> = {
  'one byte a second': { fault: { kind: 'trickle', bytesPerSecond: 1 } },
  'three seconds in each direction': { fault: { kind: 'delay', ms: 3000 } },
  'everything behind a kilobyte lost': { fault: { kind: 'stall', afterBytes: 1000 } },
  'a byte in 500 lost': { fault: { kind: 'lose', every: 500 } },
  'resets in the middle of a request': { fault: { kind: 'reset', afterBytes: 1000 } },
  'resets in the middle of the answer': { fault: { kind: 'reset-answer', afterBytes: 40 }, reachesIt: true },
};

describe.each(protocols)('%s: a way to the backend with', (protocol) => {
  // They wait for their two seconds, mostly.
  test.concurrent.for(Object.entries(networks))('%s', async ([, { fault, reachesIt = false }], { onTestFinished }) => {
    const place = makePlace();
    const receiver = await startReceiver();
    const proxy = await startProxy(urlOf(receiver, protocol), fault);
    onTestFinished(async () => {
      await proxy.close();
      await receiver.close();
      place.remove();
    });
    const { own, delayMs } = await runAgainst(proxy.url, protocol, place);
    expect(delayMs).toBeLessThan(UNREACHED_MS + NOISE_MS);
    expect(own).toHaveLength(1);
    if (!reachesIt) expect(account(receiver, place, own)).toEqual({ kept: SPANS, lost: 0 });
    // The way is clear again: what was kept is sent, at least once.
    proxy.behave();
    const env = { ...place.env, OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_EXPORTER_OTLP_ENDPOINT: proxy.url };
    expect(await drain(env)).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('100 spans sent') });
    expect([receiver.missing(SPANS), place.kept()]).toEqual([[], []]);
    if (!reachesIt) expect(receiver.twice()).toEqual([]);
  });
});

describe('a redirect', () => {
  test('is never followed', async () => {
    const place = makeTestPlace();
    const [receiver, elsewhere] = [await receive(), await receive()];
    receiver.misbehave({ kind: 'redirect', to: `${elsewhere.httpUrl}/v1/traces` });
    const { own } = await runAgainst(receiver.httpUrl, 'http/protobuf', place, { OTEL_EXPORTER_OTLP_HEADERS: 'x-token=very-secret' });
    expect(own).toEqual([expect.stringMatching(/HTTP 307: a redirect, which is never followed; set the endpoint to where the backend is$/)]);
    expect(account(receiver, place, own)).toEqual({ kept: 0, lost: SPANS });
    expect(elsewhere.requests).toEqual([]);
  });
});

describe.each(protocols)('%s: one line that names the cure, everything kept:', (protocol) => {
  let made: Certificates;
  let home: Place;
  beforeAll(() => {
    home = makePlace();
    made = makeCertificates(home.home);
  });
  afterAll(() => home.remove());

  test.each<[what: string, cert: 'cert' | 'expired' | 'wrongHost', trusted: boolean, says: RegExp]>([
    ['an expired certificate', 'expired', true, /its certificate has expired: renew it there, or name the right CA in OTEL_EXPORTER_OTLP_CERTIFICATE$/],
    ['an authority that is not trusted', 'cert', false, /not trusted here: name the CA file in OTEL_EXPORTER_OTLP_CERTIFICATE$/],
    ['a certificate for another host', 'wrongHost', true, /its certificate is for another host/],
  ])('%s', async (_, cert, trusted, says) => {
    const place = makeTestPlace();
    const receiver = await receive({ tls: { cert: made[cert], key: made.key } });
    const { own, delayMs } = await runAgainst(urlOf(receiver, protocol), protocol, place, trusted ? { OTEL_EXPORTER_OTLP_CERTIFICATE: made.ca } : {});
    expect(own).toEqual([expect.stringMatching(says)]);
    expect(account(receiver, place, own)).toEqual({ kept: SPANS, lost: 0 });
    expect(delayMs).toBeLessThan(KNOWN_BAD_MS + NOISE_MS);
  });

  test('a name that does not resolve', async () => {
    const place = makeTestPlace();
    const { own, delayMs } = await runAgainst('http://nowhere.invalid:4318', protocol, place);
    expect(own).toEqual([expect.stringMatching(/cannot be resolved/)]);
    expect(account(null, place, own)).toEqual({ kept: SPANS, lost: 0 });
    expect(delayMs).toBeLessThan(UNREACHED_MS + NOISE_MS);
  });
});

test('two reasons within a minute are both told, whatever their words have in common', async () => {
  const place = makeTestPlace();
  const receiver = await receive();
  const program = startNumbered([1, 10, 'linger', 11, SPANS], { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl });
  receiver.misbehave({ kind: 'status', status: 400 });
  await program.said(/HTTP 400.*10 spans lost/, 'stderr');
  receiver.misbehave({ kind: 'status', status: 500 });
  program.kill('SIGTERM');
  await program.said(/HTTP 500.*90 spans lost/, 'stderr');
  program.kill('SIGTERM');
  expect((await program.ended).stderr.match(/\d+ spans.*/g)).toEqual(['10 spans lost', '90 spans lost']);
});

test('what is lost while only a daemon is left, which nobody hears, is said by the next run', async () => {
  const place = makeTestPlace();
  const receiver = await receive();
  receiver.misbehave({ kind: 'status', status: 400 });
  const env = { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_RUN_WAIT: 'false' };
  const program = startNumbered([1, 10, 'daemon', 3000, 11, SPANS], env);
  const first = await program.ended;
  await vi.waitUntil(() => place.runs().length === 0, { timeout: 10_000 });
  receiver.behave();
  const next = await startNumbered([101, 101], env).ended;
  expect((first.stderr + next.stderr).match(/\d+ spans.*/g)).toEqual([expect.stringMatching(/^100 spans .* lost: HTTP 400/)]);
});

describe('the end of the application', () => {
  // Skipped where util-linux's `script` is absent: nothing else here makes a terminal without a native module.
  test.skipIf(spawnSync('script', ['--version']).stdout?.includes('util-linux') !== true)('waits half a second for a backend that was never reached where somebody sits at a terminal', async () => {
    const place = makeTestPlace();
    const receiver = await receive();
    receiver.misbehave({ kind: 'hang' });
    const env = { ...cleanEnv({ ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_RUN_WAIT: 'true' }, node), SHELL: '/bin/sh' };
    const command = ['exec', node, launcher, node, numberedScript, '1', SPANS, ...ENDING].join(' ');
    const { stdout, exitCode } = await execa('script', ['-qec', command, '/dev/null'], { env, extendEnv: false, reject: false, timeout: 20_000 });
    const endedAt = Date.now();
    expect({ exitCode, own: stdout.match(/otel-run: .*/g) }).toEqual({ exitCode: 7, own: [expect.stringMatching(/100 spans .* kept for the next run.*no answer/)] });
    expect(endedAt - Number(/ended (\d+)/.exec(stdout)![1])).toBeLessThan(KNOWN_BAD_MS + NOISE_MS);
  });

  test('waits half a second where a batch has timed out before', async () => {
    const place = makeTestPlace();
    const receiver = await receive();
    receiver.misbehave({ kind: 'hang' });
    const program = startNumbered([1, SPANS, 'speak', 1500], { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_EXPORTER_OTLP_TIMEOUT: '200' });
    const { stdout, stderr } = await program.ended;
    expect(Date.now() - Number(/ended (\d+)/.exec(stdout)![1])).toBeLessThan(KNOWN_BAD_MS + NOISE_MS);
    expect(stderr).toMatch(/100 spans .* kept .*: no answer within 200 ms\n$/);
  });

  test('is announced by SIGTERM: from then on batches go at once', async () => {
    const place = makeTestPlace();
    const receiver = await receive();
    const program = startNumbered([1, 10, 'linger', 11, 20], { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_BSP_SCHEDULE_DELAY: '60000' });
    await program.said('ready');
    program.kill('SIGTERM');
    await program.said('told to end');
    await receiver.waitForSpans(20); // it ends when it is told so again
    program.kill('SIGTERM');
    expect(await program.ended).toMatchObject({ exitCode: 0, stderr: '' });
    expect([receiver.missing(20), receiver.twice()]).toEqual([[], []]);
  });
});
