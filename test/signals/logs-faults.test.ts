/** Rows of the fault matrix for log records: every ending, backends and exporters that fail, and secrets in what is logged. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test, vi, type TestContext } from 'vitest';
import { installWithFault } from '../export/installed.ts';
import { drain, makePlace, processesOf, until, type Place } from '../export/runs.ts';
import { nodes } from '../harness/nodes.ts';
import { logsOf } from '../harness/otlp-signals.ts';
import { closedPort, startReceiver, type Receiver } from '../harness/receiver.ts';
import { otelRun, startOtelRun, startPlainNode, type RunResult } from '../harness/run.ts';
import { PATIENCE, comparable, onlyChildOf } from '../matrix/play.ts';

// They wait more than they compute.
vi.setConfig({ maxConcurrency: 3, testTimeout: 90_000 });

type Topology = 'replace' | 'parent';
const cells = [
  ['oldest Node, parent', nodes.node20min!, 'parent'],
  ['newest Node, parent', nodes.node26!, 'parent'],
  ['newest Node, replace', nodes.node26!, 'replace'],
] as const;
const fixture = fileURLToPath(new URL('../fixtures/signals/logging.cjs', import.meta.url));
const env = (place: Place, endpoint: string, more: Record<string, string> = {}): Record<string, string> => ({ ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_LOGS_EXPORTER: 'otlp', ...PATIENCE, ...more });

/** Of tests that run at once each has to be asked itself. */
type Asked = Pick<TestContext, 'onTestFinished'>;

function makeTestPlace({ onTestFinished }: Asked): Place {
  const place = makePlace();
  onTestFinished(place.remove);
  return place;
}

async function receive({ onTestFinished }: Asked, options: Parameters<typeof startReceiver>[0] = {}): Promise<Receiver> {
  const receiver = await startReceiver(options);
  onTestFinished(() => receiver.close());
  return receiver;
}

/** Numbers of what has arrived, sorted; the crash is told elsewhere. */
function numbers(receiver: Receiver): number[] {
  return logsOf(receiver.requests).filter(({ eventName }) => eventName === '').map(({ body }) => Number(String(body).replace('said ', ''))).sort((a, b) => a - b);
}
const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);

async function end(program: ReturnType<typeof startOtelRun>, signal: NodeJS.Signals | null, victim: () => number): Promise<RunResult> {
  if (signal !== null) {
    await program.said('ready');
    process.kill(victim(), signal);
  }
  return program.ended;
}

describe.concurrent.each<[how: string, ending: string, options?: { nodeOptions?: string[]; signal?: NodeJS.Signals; count?: number; env?: Record<string, string>; isNewer?: boolean }]>([
  ['a natural end', 'natural'],
  ['process.exit() at once', 'exit-now'],
  ['process.exit() later', 'exit-later'],
  ['listeners of beforeExit and exit', 'last-moments'],
  ['an uncaught exception', 'throw'],
  ['an unhandled rejection', 'rejection'],
  ['process.abort()', 'abort'],
  ['heap out of memory', 'heap', { nodeOptions: ['--max-old-space-size=60'] }],
  ['SIGTERM', 'ready', { signal: 'SIGTERM' }],
  ['SIGKILL', 'ready', { signal: 'SIGKILL' }],
  ['a burst of 20,000 in one turn', 'burst', { count: 20_000 }],
  ['a thread', 'thread'],
  ['the console, by setting', 'console', { env: { OTEL_RUN_LOGS_CONSOLE: 'true' }, isNewer: true }],
])('%s: all arrives, once', (_, ending, { nodeOptions = [], signal = null, count = 100, env: more = {}, isNewer = false } = {}) => {
  test.for(cells.filter(([, node]) => !isNewer || node !== nodes.node20min))('%s', async ([, node, topology], context) => {
    const [place, receiver] = [makeTestPlace(context), await receive(context)];
    const args = [...nodeOptions, fixture, ending];
    const program = startOtelRun({ node, topology, args: [node, ...args], env: env(place, receiver.httpUrl, more), ownSession: true });
    const plain = startPlainNode({ node, args, ownSession: true });
    const isKill = signal === 'SIGKILL' && topology === 'parent';
    const [ours, expected] = await Promise.all([end(program, signal, () => (isKill ? onlyChildOf(program.pid) : program.pid)), end(plain, signal, () => plain.pid)]);
    context.expect(comparable(ours)).toEqual(comparable(expected));
    await receiver.waitForRequests(() => numbers(receiver).length >= count).catch(() => {});
    await until(() => processesOf(place), (left) => left.length === 0, 30_000);
    context.expect(numbers(receiver)).toEqual(upTo(count));
  });
});

const node = nodes.node24!;
const run = (place: Place, endpoint: string, more: Record<string, string> = {}, ending = 'exit-later', launcher?: string): Promise<RunResult> =>
  otelRun({ node, topology: 'parent', args: [node, fixture, ending], env: env(place, endpoint, { OTEL_RUN_DRAIN_UNREACHED: '15000', ...more }), ...(launcher === undefined ? {} : { launcher }), timeoutMs: 60_000 });

describe.concurrent('a backend', () => {
  test.for([
    ['answers 503 three times', { kind: 'status', status: 503, headers: { 'retry-after': '0' }, times: 3 }],
    ['cuts the connection twice', { kind: 'reset', times: 2 }],
    ['takes thirty at a time', { kind: 'limit', items: 30 }],
    ['is slow', { kind: 'slow', delayMs: 300 }],
  ] as const)('that %s gets each once', async ([, trouble], context) => {
    const [place, receiver] = [makeTestPlace(context), await receive(context)];
    receiver.misbehave({ ...trouble });
    const { stderr, exitCode } = await run(place, receiver.httpUrl);
    context.expect([exitCode, numbers(receiver)]).toEqual([3, upTo(100)]);
    context.expect(stderr).not.toMatch(/lost|kept|dropped/);
  });

  test.for([
    ['refuses them', { kind: 'status', status: 400 }, /100 log records for \S+ lost: .*400/],
    ['refuses them as Loki does', { kind: 'status', status: 400, headers: { 'content-type': 'application/octet-stream' }, body: '\x12\x07too old' }, /100 log records for \S+ lost: HTTP 400: too old\n/],
    ['refuses some of them', { kind: 'partial', rejected: 30, message: 'too old' }, /30 log records for \S+ lost: refused by the backend: too old/],
  ] as const)('that %s: what is lost is said once', async ([, trouble, words], context) => {
    const [place, receiver] = [makeTestPlace(context), await receive(context)];
    receiver.misbehave({ ...trouble });
    const { stderr, exitCode } = await run(place, receiver.httpUrl, { OTEL_TRACES_EXPORTER: 'none' }, 'exit-now');
    context.expect(exitCode).toBe(0);
    context.expect(stderr).toMatch(words);
    context.expect(stderr.match(/lost/g)).toHaveLength(1);
  });

  test.for(['refuses connections', 'never answers'] as const)('that %s: they are kept, and drain sends them', async (what, context) => {
    const place = makeTestPlace(context);
    const port = await closedPort();
    const silent = what === 'never answers' ? await startReceiver({ httpPort: port }) : null;
    silent?.misbehave({ kind: 'hang' });
    const endpoint = `http://127.0.0.1:${port}`;
    const { stderr, exitCode } = await run(place, endpoint, { OTEL_RUN_DRAIN_UNREACHED: '500', OTEL_RUN_DRAIN_BAD: '500' });
    await silent?.close();
    context.expect(exitCode).toBe(3);
    context.expect(stderr).toMatch(/100 log records for \S+ kept for the next run/);
    const receiver = await receive(context, { httpPort: port });
    context.expect(await drain(env(place, endpoint))).toMatchObject({ exitCode: 0 });
    context.expect([numbers(receiver), place.kept()]).toEqual([upTo(100), []]);
  });

  test('that is down when the application crashes: the record of that is kept too', async (context) => {
    const place = makeTestPlace(context);
    const port = await closedPort();
    const { stderr } = await run(place, `http://127.0.0.1:${port}`, { OTEL_RUN_DRAIN_UNREACHED: '500', OTEL_RUN_DRAIN_BAD: '500' }, 'throw');
    context.expect(stderr).toMatch(/101 log records for \S+ kept for the next run/);
    const receiver = await receive(context, { httpPort: port });
    await drain(env(place, `http://127.0.0.1:${port}`));
    context.expect(logsOf(receiver.requests).filter(({ eventName }) => eventName === 'app.crash')).toMatchObject([{ attributes: { 'exception.message': 'nobody catches this' } }]);
  });
});

test('an exporter that fails and is started again: each once, the crash too', async (context) => {
  const [place, receiver] = [makeTestPlace(context), await receive(context)];
  // Behind its first look at the spool, in the middle of the rest.
  const installed = installWithFault(`if (nth === 1) setTimeout(() => { throw new Error('planned'); }, 150);`);
  context.onTestFinished(() => installed.remove());
  const { exitCode } = await run(place, receiver.httpUrl, {}, 'throw', installed.launcher);
  expect([exitCode, numbers(receiver)]).toEqual([1, upTo(100)]);
  expect(logsOf(receiver.requests).filter(({ eventName }) => eventName === 'app.crash')).toHaveLength(1);
});

describe('secrets', () => {
  const dir = mkdtempSync(join(tmpdir(), 'logged-secrets-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const root = join(import.meta.dirname, '../..');
  const library = (name: string): string => JSON.stringify(join(root, 'test/libraries/node_modules', name));
  const api = `const { logs } = require(${JSON.stringify(join(root, 'node_modules/@opentelemetry/api-logs'))}); const logger = logs.getLogger('own');`;
  const fault = `const fault = new Error('connect postgres://me:hunter2@db/shop?password=hunter2'); fault.cause = new Error('Authorization: Bearer hunter2');`;
  const secret = { password: 'hunter2', token: 'hunter2', nested: { apiKey: 'hunter2', list: [{ secret: 'hunter2' }] }, url: 'https://shop.example/?access_token=hunter2' };

  test.each([
    ['the API', `${api} logger.emit({ body: 'GET https://me:hunter2@shop.example/?api_key=hunter2' }); logger.emit({ body: ${JSON.stringify(secret)} }); logger.emit({ body: [${JSON.stringify(secret)}], attributes: ${JSON.stringify(secret)}, exception: fault });`, 3],
    ['pino', `const logger = require(${library('pino')})(); logger.info(${JSON.stringify(secret)}, 'to https://me:hunter2@shop.example/'); logger.error(fault); logger.error({ err: fault }, 'no way');`, 3],
    ['winston', `const winston = require(${library('winston')}); const logger = winston.createLogger({ format: winston.format.errors({ stack: true }), transports: [new winston.transports.Console({ silent: true })] }); logger.info('to https://me:hunter2@shop.example/', ${JSON.stringify(secret)}); logger.error(fault);`, 2],
    ['bunyan', `const logger = require(${library('bunyan')}).createLogger({ name: 'shop', serializers: require(${library('bunyan')}).stdSerializers }); logger.info(${JSON.stringify(secret)}, 'to https://me:hunter2@shop.example/'); logger.error({ err: fault }, 'no way');`, 2],
    ['the console', `console.log('to https://me:hunter2@shop.example/', fault); console.error(fault);`, 2],
    ['a crash', `throw fault;`, 1],
    ['a crash of something else', `throw { message: 'password=hunter2', name: 'token=hunter2', stack: 'Bearer hunter2hunter2hunter2' };`, 1],
  ])('of %s do not leave', async (_, script, count) => {
    const place = makePlace();
    const receiver = await startReceiver();
    try {
      const file = join(dir, 'app.cjs');
      writeFileSync(file, `${fault}\n${script}`);
      await otelRun({ node, topology: 'parent', args: [node, file], env: env(place, receiver.httpUrl, { OTEL_RUN_LOGS_CONSOLE: 'true', OTEL_EXPORTER_OTLP_COMPRESSION: 'none' }) });
      await receiver.waitForRequests((requests) => logsOf(requests).length >= count);
      expect(logsOf(receiver.requests)).toHaveLength(count);
      const records = JSON.stringify(logsOf(receiver.requests), (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value), 1);
      expect(records).not.toContain('hunter2');
      expect(records).toContain('REDACTED');
      for (const { body } of receiver.requests) expect(body.toString('latin1')).not.toContain('hunter2');
    } finally {
      await receiver.close();
      place.remove();
    }
  });
});
