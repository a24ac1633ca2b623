/** Log records of the loggers and of the API: the built command line, a real receiver. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import { logsOf, type ReceivedLog } from '../harness/otlp-signals.ts';
import { startReceiver, type Receiver } from '../harness/receiver.ts';
import { otelRun, plainNode } from '../harness/run.ts';

const dir = mkdtempSync(join(tmpdir(), 'otel-run-logs-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const root = join(import.meta.dirname, '../..');
const library = (name: string): string => JSON.stringify(join(root, 'test/libraries/node_modules', name));
const ours = (name: string): string => JSON.stringify(join(root, 'node_modules', name));

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

let scripts = 0;
function script(text: string): string {
  const file = join(dir, `${scripts++}.cjs`);
  writeFileSync(file, `const { trace, context } = require(${ours('@opentelemetry/api')});\n${text}`);
  return file;
}
const env = (more: Record<string, string> = {}): Record<string, string> => ({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_LOGS_EXPORTER: 'otlp', ...more });
async function logsCame(count: number): Promise<ReceivedLog[]> {
  await receiver.waitForRequests((requests) => logsOf(requests).length >= count);
  return logsOf(receiver.requests);
}

const cells = [
  ['oldest Node', nodes.node20min!, 'parent'],
  ['newest Node', nodes.node26!, 'parent'],
  ['newest Node', nodes.node26!, 'replace'],
] as const;

describe.each(cells)('%s', (_, node, topology) => {
  test.each([
    ['pino', `const logger = require(${library('pino')})()`, `logger.warn({ order: 7, password: 'hunter2' }, 'out of stock')`, { body: 'out of stock', severity: 13, attributes: { order: 7, password: 'REDACTED' } }],
    ['winston', `const winston = require(${library('winston')}); const logger = winston.createLogger({ transports: [new winston.transports.Console()] })`, `logger.warn('out of stock', { order: 7, password: 'hunter2' })`, { body: 'out of stock', severity: 13, attributes: { order: 7, password: 'REDACTED' } }],
    ['bunyan', `const logger = require(${library('bunyan')}).createLogger({ name: 'shop' })`, `logger.warn({ order: 7, password: 'hunter2' }, 'out of stock')`, { body: 'out of stock', severity: 13, attributes: { order: 7, password: 'REDACTED' } }],
  ])(`${topology}: %s, in a span and outside of one, up to process.exit`, async (_, make, log, record) => {
    const file = script(`${make};\n${log};\ntrace.getTracer('t').startActiveSpan('s', (span) => { ${log}; span.end(); });\nprocess.exit(0);`);
    const result = await otelRun({ node, topology, args: [node, file], env: env() });
    const plain = await plainNode({ node, args: [file] });
    expect(result.stdout.split('\n').length).toBe(plain.stdout.split('\n').length);
    const [outside, inside] = await logsCame(2);
    expect([outside, inside]).toMatchObject([{ ...record, traceId: '', spanId: '' }, record]);
    await receiver.waitForSpans(1);
    expect(inside).toMatchObject({ traceId: receiver.spans[0]!.traceId, spanId: receiver.spans[0]!.spanId });
    expect(JSON.stringify(logsOf(receiver.requests), (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))).not.toContain('hunter2');
  });
});

const node = nodes.node24!;
const viaApi = `const { logs } = require(${ours('@opentelemetry/api-logs')});`;

test('records of the API, an exception among them', async () => {
  const file = script(`${viaApi} logs.getLogger('own', '1.0').emit({ body: { at: [1, { deep: true }], token: 'hunter2' }, severityNumber: 17, severityText: 'ERROR', eventName: 'shop.closed', exception: new TypeError('connect postgres://me:hunter2@db failed'), attributes: { n: 1 } });`);
  await otelRun({ node, args: [node, file], env: env() });
  const [record] = await logsCame(1);
  expect(record).toMatchObject({ scope: 'own', severity: 17, severityText: 'ERROR', eventName: 'shop.closed', body: { at: [1, { deep: true }], token: 'REDACTED' } });
  expect(record!.attributes).toMatchObject({ n: 1, 'exception.type': 'TypeError', 'exception.message': expect.not.stringContaining('hunter2'), 'exception.stacktrace': expect.stringContaining('TypeError') });
});

test('a time that OTLP cannot hold is that of the call', async () => {
  const before = Date.now();
  const times = [`new Date('0001-01-01')`, 'new Date(NaN)', 'Infinity', '[-1, -2]', `'noon'`];
  const file = script(`${viaApi} for (const time of [${times.join()}]) logs.getLogger('own').emit({ body: 'when', timestamp: time, observedTimestamp: time });`);
  await otelRun({ node, args: [node, file], env: env() });
  for (const { time } of await logsCame(times.length)) {
    expect(Number(time) / 1e6).toBeGreaterThanOrEqual(before - 1);
    expect(Number(time) / 1e6).toBeLessThanOrEqual(Date.now() + 1);
  }
});

test('what OTLP has no word for is sent as text', async () => {
  const file = script(`${viaApi} const logger = logs.getLogger('own'); for (const body of [2n ** 70n, Symbol('red'), () => 42, { id: 12345678901234567890n, of: [Symbol('blue')] }]) logger.emit({ body, attributes: { id: 7n } });`);
  await otelRun({ node, args: [node, file], env: env() });
  const records = await logsCame(4);
  expect(records.map(({ body }) => body)).toEqual(['1180591620717411303424', 'Symbol(red)', '() => 42', { id: '12345678901234567890', of: ['Symbol(blue)'] }]);
  expect(records.map(({ attributes }) => attributes)).toEqual(records.map(() => ({ id: '7' })));
});

test('a provider that the application sets gets its records, and ours none', async () => {
  const file = script(`${viaApi} const seen = []; logs.setGlobalLoggerProvider({ getLogger: () => ({ emit: (record) => seen.push(record.body), enabled: () => true }) }); logs.getLogger('own').emit({ body: 'mine' }); console.log(seen.join());`);
  const { stdout } = await otelRun({ node, args: [node, file], env: env() });
  expect(stdout).toBe('mine\n');
  expect(logsOf(receiver.requests)).toEqual([]);
});

test('the console by setting, and not without', async () => {
  const file = script(`console.log('said %d', 1); console.error('bad', new Error('planned'));`);
  await otelRun({ node, args: [node, file], env: env() });
  expect(logsOf(receiver.requests)).toEqual([]);
  await otelRun({ node, args: [node, file], env: env({ OTEL_RUN_LOGS_CONSOLE: 'true' }) });
  expect(await logsCame(2)).toMatchObject([
    { body: 'said 1', severity: 9 },
    { severity: 17, attributes: { 'exception.message': 'planned' } },
  ]);
});

test('what the console cannot show throws to its caller, as without us; a revoked proxy is shown', async () => {
  const file = script(`
    const words = (log) => { try { log(); return 'shown'; } catch (error) { return error.message; } };
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const trap = new Proxy({}, { getPrototypeOf() { throw new Error('trapped'); } });
    const told = [
      words(() => console.log({ [Symbol.for('nodejs.util.inspect.custom')]() { throw new Error('boom'); } })),
      words(() => console.log('%s', { toString() { throw new Error('mute'); } })),
      words(() => console.error('revoked', proxy)),
      words(() => console.error('trapped', trap)),
    ];
    setTimeout(() => console.log(told.join()), 50);`);
  const result = await otelRun({ node, args: [node, file], env: env({ OTEL_RUN_LOGS_CONSOLE: 'true' }) });
  const plain = await plainNode({ node, args: [file] });
  expect([result.exitCode, result.stdout, result.stderr]).toEqual([0, plain.stdout, plain.stderr]);
  expect(plain.stdout).toBe('boom,mute,shown,shown\n');
  expect((await logsCame(3)).map(({ body }) => body)).toEqual(['revoked <Revoked Proxy>', 'trapped {}', 'boom,mute,shown,shown']);
});

describe('pino keeps the stream that it was given', () => {
  const pino = `const pino = require(${library('pino')}); const { symbols } = pino;`;
  const play = async (text: string, count: number) => {
    const file = script(pino + text);
    const plain = await plainNode({ node, args: [file] });
    const result = await otelRun({ node, args: [node, file], env: env() });
    expect([result.exitCode, result.signal, result.stdout, result.stderr]).toEqual([plain.exitCode, plain.signal, plain.stdout, plain.stderr]);
    return { stdout: plain.stdout, logs: (await logsCame(count)).filter(({ eventName }) => eventName === '') };
  };

  test('what is flushed before a kill is written', async () => {
    const { stdout, logs } = await play(`const l = pino({ base: null, timestamp: false }, pino.destination({ dest: 1, sync: false, minLength: 8192 })); l.info('flushed'); l.flush(() => process.kill(process.pid, 'SIGKILL')); setTimeout(() => {}, 60_000);`, 1);
    expect(stdout).toBe('{"level":30,"msg":"flushed"}\n');
    expect(logs).toMatchObject([{ body: 'flushed', severity: 9 }]);
  });

  test('it is the same object, for children and in a module of its own; each line is sent once', async () => {
    const text = `const dest = pino.destination({ dest: 1, sync: true }); const l = pino.pino({ base: null, timestamp: false }, dest); const other = pino({ base: null, timestamp: false }, dest); const child = l.child({ part: 'child' }); child.error('one'); other.debug('quiet'); other.info('two'); console.log(l[symbols.streamSym] === dest, child[symbols.streamSym] === dest, typeof pino.multistream([]).write);`;
    const { stdout, logs } = await play(text, 2);
    expect(stdout).toContain('true true function');
    expect(logs).toMatchObject([{ body: 'one', severity: 17, attributes: { part: 'child' } }, { body: 'two', severity: 9 }]);
  });

  test('what a hook takes out of a line is not sent', async () => {
    const { stdout, logs } = await play(`pino({ base: null, timestamp: false, hooks: { streamWrite: (line) => line.replaceAll('4711', 'XXXX') } }).child({}).warn('card 4711');`, 1);
    expect(stdout).toBe('{"level":40,"msg":"card XXXX"}\n');
    expect(logs).toMatchObject([{ body: 'card XXXX', severity: 13 }]);
  });
});

describe('winston', () => {
  const winston = `const winston = require(${library('winston')}); const { createLogger, format, transports: { Console } } = winston;`;
  /** Its output as with plain node, and the records that came. */
  const play = async (text: string, count: number) => {
    const file = script(winston + text);
    const plain = await plainNode({ node, args: [file] });
    const result = await otelRun({ node, args: [node, file], env: env() });
    expect(result.exitCode).toBe(plain.exitCode);
    return { result, plain, logs: count === 0 ? [] : await logsCame(count) };
  };

  test.each([
    ['made without', `createLogger({}).info('lost')`],
    ['of the module itself', `winston.info('lost')`],
    ['after the last is removed', `const own = new Console(); const l = createLogger({ transports: own }); l.remove(own); l.info('lost')`],
  ])('a logger with no transport is told so: %s', async (_, text) => {
    const { result, plain } = await play(`${text};`, 0);
    expect(plain.stderr).toContain('with no transports');
    expect(result.stderr).toBe(plain.stderr);
    expect(logsOf(receiver.requests)).toEqual([]);
  });

  test('loggers that share transports, and children: a record is sent once, and the array is as it was', async () => {
    const { result, plain, logs } = await play(`const transports = [new Console(), new Console({ level: 'error' })]; const all = [1, 2, 3].map((i) => createLogger({ transports, defaultMeta: { i } })); all[2].info('once'); all[0].child({ part: 'a' }).error('twice'); console.log(transports.length, all[0].transports.length);`, 2);
    expect(result.stdout).toBe(plain.stdout);
    expect(plain.stdout).toContain('2 2');
    expect(logs).toMatchObject([{ body: 'once', attributes: { i: 3 } }, { body: 'twice', severity: 17, attributes: { part: 'a' } }]);
    expect(logs).toHaveLength(2);
  });

  test('transports that are exchanged', async () => {
    const { logs } = await play(`const l = createLogger({ transports: new Console() }); l.info('before'); l.clear().add(new Console({ level: 'debug' })); l.debug('after'); l.silly('not written'); l.configure({ level: 'warn', transports: [new Console()] }); l.info('not written'); l.warn('at last');`, 3);
    expect(logs.map(({ body, severity }) => [body, severity])).toEqual([['before', 9], ['after', 5], ['at last', 13]]);
  });

  test('errors are exceptions; words, figures and what has a name are none', async () => {
    const { logs } = await play(`
      const l = createLogger({ format: format.combine(format.splat(), format.json()), transports: new Console() });
      l.info('user %s', 'bob'); l.info('num', 42); l.info('x', { name: 'bob', message: 'hi', error: 'none', err: 5 });
      l.error('failed', new RangeError('too far')); l.error(new TypeError('odd')); l.error('by key', { error: new SyntaxError('unread', { cause: new Error('deeper') }) });
      createLogger({ format: format.errors({ stack: true }), transports: new Console() }).error(new RangeError('flat'));`, 7);
    expect(logs.slice(0, 3)).toMatchObject([{ body: 'user bob' }, { body: 'num' }, { body: 'hi', attributes: { name: 'bob', error: 'none', err: 5 } }]);
    for (const { attributes } of logs.slice(0, 3)) expect(Object.keys(attributes).filter((key) => key.startsWith('exception.'))).toEqual([]);
    expect(logs.slice(3).map(({ attributes }) => [attributes['exception.type'], attributes['exception.message'], String(attributes['exception.stacktrace']).split(':')[0]])).toEqual([
      ['RangeError', 'too far', 'RangeError'],
      ['TypeError', 'odd', 'TypeError'],
      ['SyntaxError', 'unread', 'SyntaxError'],
      ['RangeError', 'flat', 'RangeError'],
    ]);
    expect(logs[5]).toMatchObject({ body: 'by key', attributes: { cause: { message: 'deeper' } } });
    for (const { attributes } of logs) expect(attributes).not.toHaveProperty('stack');
  });

  test.each([
    ['a transport', `createLogger({ transports: new Console({ handleExceptions: true }) }); setTimeout(() => { throw new RangeError('uncaught'); });`],
    ['handlers of its own', `createLogger({ transports: new Console(), rejectionHandlers: [new Console()] }); setTimeout(() => Promise.reject(new RangeError('uncaught')));`],
  ])('what it catches as the process ends: %s', async (_, text) => {
    // Winston waits 3 s for its transports.
    const { exitCode } = await otelRun({ node, args: [node, script(winston + text)], env: env() });
    expect(exitCode).toBe(1);
    const logs = (await logsCame(1)).filter(({ eventName }) => eventName === '');
    expect(logs).toMatchObject([{ severity: 17, body: expect.stringContaining('uncaught'), attributes: { 'exception.type': 'RangeError', 'exception.message': 'uncaught' } }]);
    expect(logs).toHaveLength(1);
    expect(Object.keys(logs[0]!.attributes).filter((key) => !key.startsWith('exception.'))).toEqual([]);
  });
});

test('no exporter for logs: none is sent', async () => {
  const file = script(`require(${library('pino')})().info('quiet'); trace.getTracer('t').startSpan('s').end();`);
  await otelRun({ node, args: [node, file], env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl } });
  await receiver.waitForSpans(1);
  expect(receiver.requests.filter(({ signal }) => signal !== 'traces')).toEqual([]);
});

test.each(['kill', 'abort'])('what was logged before %s arrives', async (ending) => {
  const file = script(`${viaApi} const logger = logs.getLogger('own'); for (let n = 1; n <= 100; n++) logger.emit({ body: n }); setTimeout(() => process.${ending === 'kill' ? "kill(process.pid, 'SIGKILL')" : 'abort()'}, 50);`);
  await otelRun({ node, topology: 'parent', args: [node, file], env: env() });
  const records = (await logsCame(101)).filter(({ eventName }) => eventName !== 'app.crash');
  expect(records.map(({ body }) => body)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
});
