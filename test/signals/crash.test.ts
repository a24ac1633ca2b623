/** A crash is a log record of the process that has died, and an event on each span that it left open: once, and nothing where it is none. */
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { drain, exportersOf, makePlace, processesOf, until } from '../export/runs.ts';
import { nodes } from '../harness/nodes.ts';
import { logsOf, type ReceivedLog } from '../harness/otlp-signals.ts';
import { startReceiver, type ReceivedSpan, type Receiver } from '../harness/receiver.ts';
import { startOtelRun, startPlainNode, type RunResult } from '../harness/run.ts';
import { hasTerminal, openTerminal } from '../harness/terminal.ts';
import { PATIENCE, comparable, onlyChildOf } from '../matrix/play.ts';

vi.setConfig({ maxConcurrency: 3, testTimeout: 60_000 });

type Topology = 'replace' | 'parent';
const cells: readonly (readonly [name: string, node: string, topology: Topology])[] = [
  ['oldest Node, parent', nodes.node20min!, 'parent'],
  ['newest Node, parent', nodes.node26!, 'parent'],
  ['newest Node, replace', nodes.node26!, 'replace'],
];
const fixture = fileURLToPath(new URL('../fixtures/signals/crash.cjs', import.meta.url));

interface Ended {
  readonly result: RunResult;
  readonly crashes: readonly ReceivedLog[];
  readonly spans: readonly ReceivedSpan[];
  /** What each span says of the crash. */
  readonly events: Readonly<Record<string, Record<string, unknown>>>;
}

interface Options {
  readonly nodeOptions?: readonly string[];
  /** Sent to the application when it says that it is ready. */
  readonly signal?: NodeJS.Signals;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs it to the end of everything that was started, and compares its end with plain node's. */
async function play(node: string, topology: Topology, how: string, { nodeOptions = [], signal, env = {} }: Options = {}): Promise<Ended> {
  const place = makePlace();
  const receiver = await startReceiver();
  try {
    const args = [...nodeOptions, fixture, how];
    const settings = { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_LOGS_EXPORTER: 'otlp', ...PATIENCE, ...env };
    const end = async (program: ReturnType<typeof startOtelRun>, victim: () => number): Promise<RunResult> => {
      if (signal !== undefined) {
        await program.said('ready');
        process.kill(victim(), signal);
      }
      return program.ended;
    };
    const program = startOtelRun({ node, topology, args: [node, ...args], env: settings, ownSession: true });
    const plain = startPlainNode({ node, args, ownSession: true });
    const [result, expected] = await Promise.all([end(program, () => (topology === 'parent' ? onlyChildOf(program.pid) : program.pid)), end(plain, () => plain.pid)]);
    if (env.OTEL_LOGS_EXPORTER !== 'console') expect(comparable(result)).toEqual(comparable(expected));
    // Exporters end behind the applications, and have sent everything then.
    await until(() => processesOf(place), (left) => left.length === 0, 30_000);
    expect(place.runs()).toEqual([]);
    return { result, ...told(receiver) };
  } finally {
    await receiver.close();
    for (const pid of processesOf(place)) process.kill(pid, 'SIGKILL');
    place.remove();
  }
}

function told({ requests, spans }: Receiver): Omit<Ended, 'result'> {
  const crashes = logsOf(requests).filter(({ eventName }) => eventName === 'app.crash');
  for (const { events } of spans) expect(events.filter(({ name }) => name === 'app.crash').length).toBeLessThan(2);
  const events = spans.flatMap(({ name, events }) => events.filter((event) => event.name === 'app.crash').map(({ attributes }) => [name, attributes] as const));
  return { crashes, spans, events: Object.fromEntries(events) };
}

const memory = { 'process.memory.usage': expect.any(Number), 'v8js.memory.heap.used': expect.any(Number), 'v8js.memory.heap.limit': expect.any(Number) };
const thrown = { 'otel_run.crash.cause': 'uncaught exception', 'process.exit.code': 1, 'exception.type': 'TypeError', 'exception.message': expect.stringMatching(/^no way to postgres:/), ...memory };
const rejected = { 'otel_run.crash.cause': 'unhandled rejection', 'process.exit.code': 1, 'exception.type': 'RangeError', 'exception.message': 'nobody awaits this', ...memory };
const raised = (signal: string) => ({ 'otel_run.crash.cause': 'signal', 'otel_run.crash.signal': signal, ...memory });
/** Whoever has not waited for a process cannot know. */
const unseen = { 'otel_run.crash.cause': 'killed', ...memory };

describe.concurrent.each([
  ['an uncaught exception', 'throw', {}, thrown, thrown, /^process \d+ ended by an uncaught exception: TypeError: no way to postgres.*\(exit code 1\); open: order, charge$/],
  ['an unhandled rejection', 'rejection', {}, rejected, rejected, /^process \d+ ended by an unhandled rejection: RangeError: nobody awaits this \(exit code 1\)/],
  ['process.abort()', 'abort', {}, raised('SIGABRT'), raised('SIGABRT'), /^process \d+ ended by SIGABRT; open: order, charge$/],
  ['SIGSEGV', 'ready', { signal: 'SIGSEGV' }, raised('SIGSEGV'), unseen, /^process \d+ ended (?:by SIGSEGV|without a word: .*); open: order, charge$/],
  ['SIGKILL', 'ready', { signal: 'SIGKILL' }, raised('SIGKILL'), unseen, /^process \d+ ended (?:by SIGKILL|without a word: .*); open: order, charge$/],
  ['SIGKILL of its own', 'suicide', {}, raised('SIGKILL'), raised('SIGKILL'), /^process \d+ ended by SIGKILL; open: order, charge$/],
  ['heap out of memory', 'heap', { nodeOptions: ['--max-old-space-size=60'] }, raised('SIGABRT'), unseen, /^process \d+ ended (?:by SIGABRT|without a word: .*open: order, charge$)/],
  ['an exception that is handled by process.exit()', 'handled', {}, { ...thrown, 'process.exit.code': 9, 'exception.type': 'Error', 'exception.message': 'the last words' }, { 'process.exit.code': 9 }, /the last words \(exit code 9\)/],
] as const)('%s', (_, how, options: Options, inParent, inReplace, body) => {
  test.each(cells)('%s', async (_, node, topology) => {
    const { result, crashes, events } = await play(node, topology, how, options);
    const expected = topology === 'parent' ? inParent : inReplace;
    expect(crashes).toHaveLength(1);
    const [crash] = crashes;
    expect(crash).toMatchObject({ severity: 21, severityText: 'FATAL', scope: 'otel-run', body: expect.stringMatching(body) });
    expect(crash!.attributes).toMatchObject({ ...expected, 'otel_run.crash.open_span.count': 2, 'otel_run.crash.open_spans': ['order', 'charge'] });
    expect(crash!.resource).toMatchObject({ 'service.name': expect.any(String), 'process.pid': crash!.attributes['process.pid'] });
    if (topology === 'replace') expect(crash!.attributes['process.pid']).toBe(result.pid);
    expect(events).toMatchObject({ order: expected, charge: expected });
    expect(JSON.stringify([crash!.body, crash!.attributes, events])).not.toContain('hunter2');
    if (how === 'throw') expect(crash!.attributes['exception.stacktrace']).toMatch(/^TypeError: no way.*\n +at .*crash\.cjs/);
  });
});

describe.concurrent.each([
  ['process.exit(3)', 'exit', {}],
  ['an exception that it survives', 'survives', {}],
  ['SIGTERM with a handler', 'graceful', { signal: 'SIGTERM' }],
  ['SIGTERM of its own', 'gone', {}],
  ['a thread whose exception is heard', 'thread-heard', {}],
  ['a thread that is terminated', 'thread-terminated', {}],
  ['a child that is told to end', 'child-ended', {}],
] as const)('%s is no crash', (_, how, options: Options) => {
  test.each([cells[0]!, cells[2]!])('%s', async (_, node, topology) => {
    const { crashes, spans } = await play(node, topology, how, options);
    expect(crashes).toEqual([]);
    expect(spans.length).toBeGreaterThanOrEqual(2);
  });
});

test.each(cells.filter(([, , topology]) => topology === 'parent'))('SIGTERM, SIGINT and SIGHUP without a handler are no crash: %s', async (_, node, topology) => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) expect((await play(node, topology, 'ready', { signal })).crashes).toEqual([]);
});

test.each([['with-child', { signal: 'SIGTERM' }], ['graceful-with-child', { exitCode: 0 }]])('SIGTERM for the whole group is no crash of a child either (%s)', async (how, ending) => {
  const place = makePlace();
  const receiver = await startReceiver();
  const node = nodes.node26!;
  try {
    const program = startOtelRun({ node, topology: 'parent', args: [node, fixture, how], env: { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_LOGS_EXPORTER: 'otlp', ...PATIENCE }, ownSession: true });
    await program.said('ready');
    process.kill(-program.pid, 'SIGTERM');
    expect(await program.ended).toMatchObject(ending);
    await until(() => processesOf(place), (left) => left.length === 0, 30_000);
    await receiver.waitForSpans(4);
    expect(told(receiver)).toMatchObject({ crashes: [], events: {} });
  } finally {
    await receiver.close();
    for (const pid of processesOf(place)) process.kill(pid, 'SIGKILL');
    place.remove();
  }
});

describe.concurrent.each([cells[0]!, cells[2]!])('another process than the first: %s', (_, node, topology) => {
  test('a thread brings its process down: one record, of the process', async () => {
    const { crashes } = await play(node, topology, 'thread');
    expect(crashes).toMatchObject([{ attributes: { 'otel_run.crash.cause': 'uncaught exception', 'exception.type': 'TypeError', 'process.exit.code': 1 } }]);
  });

  test.each([
    ['child-killed', { 'otel_run.crash.cause': 'signal', 'otel_run.crash.signal': 'SIGKILL' }],
    ['cluster', { 'otel_run.crash.cause': 'signal', 'otel_run.crash.signal': 'SIGABRT' }],
  ])('%s: the record carries the resource of the one that died', async (how, attributes) => {
    const { result, crashes } = await play(node, topology, how);
    expect(result.exitCode).toBe(0);
    expect(crashes).toMatchObject([{ attributes }]);
    expect(crashes[0]!.resource['process.pid']).toBe(crashes[0]!.attributes['process.pid']);
    expect(crashes[0]!.attributes['process.pid']).not.toBe(result.pid);
  });
});

describe('SIGTERM, SIGINT and SIGHUP without a handler where nobody waits for the process', () => {
  const node = nodes.node26!;

  /** Ends it when it is ready, and waits for the end of everything. */
  async function crashesBehind(stop: (application: number, exporter: number) => void): Promise<readonly ReceivedLog[]> {
    const place = makePlace();
    const receiver = await startReceiver();
    try {
      const program = startOtelRun({ node, topology: 'replace', args: [node, fixture, 'ready'], env: { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_LOGS_EXPORTER: 'otlp', ...PATIENCE }, ownSession: true });
      await program.said('ready');
      const [exporter] = await until(() => exportersOf(place), (found) => found.length === 1);
      await until(() => place.files().filter((file) => file.endsWith('exporter.json')), (found) => found.length > 0);
      stop(program.pid, exporter!);
      await program.ended;
      await until(() => processesOf(place), (left) => left.length === 0, 30_000);
      return told(receiver).crashes;
    } finally {
      await receiver.close();
      for (const pid of processesOf(place)) process.kill(pid, 'SIGKILL');
      place.remove();
    }
  }

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s for the exporter too: it was told to end', async (signal) => {
    expect(await crashesBehind((...pids) => pids.reverse().forEach((pid) => process.kill(pid, signal)))).toEqual([]);
  });

  test('alone: nobody can tell it from SIGKILL', async () => {
    expect(await crashesBehind((pid) => process.kill(pid, 'SIGTERM'))).toMatchObject([{ attributes: unseen }]);
  });

  test.skipIf(!hasTerminal)('Ctrl-C at a terminal (needs script of util-linux)', async () => {
    const place = makePlace();
    const receiver = await startReceiver();
    const terminal = openTerminal('replace');
    try {
      const env = { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_LOGS_EXPORTER: 'otlp', ...PATIENCE };
      terminal.type(`export ${Object.entries(env).map(([name, value]) => `${name}='${value}'`).join(' ')}; run "${node}" "${fixture}" ready\n`);
      await terminal.shows(/^ready\n/m);
      terminal.type('\x03');
      await until(() => processesOf(place), (left) => left.length === 0, 30_000);
      await receiver.waitForSpans(2);
      expect(told(receiver)).toMatchObject({ crashes: [], events: {} });
    } finally {
      await terminal.close();
      await receiver.close();
      for (const pid of processesOf(place)) process.kill(pid, 'SIGKILL');
      place.remove();
    }
  });
});

test('one exception after the other that it survives, and the last that it does not', async () => {
  const { crashes } = await play(nodes.node24!, 'parent', 'storm');
  expect(crashes).toMatchObject([{ attributes: { 'exception.message': 'number 500', 'process.exit.code': 1 } }]);
});

test('without an exporter for logs: the events alone', async () => {
  const { crashes, events } = await play(nodes.node24!, 'parent', 'suicide', { env: { OTEL_LOGS_EXPORTER: 'none' } });
  expect(crashes).toEqual([]);
  expect(events).toMatchObject({ order: { 'otel_run.crash.signal': 'SIGKILL' }, charge: { 'otel_run.crash.signal': 'SIGKILL' } });
});

test('without traces: the record alone', async () => {
  const { crashes, spans } = await play(nodes.node24!, 'parent', 'throw', { env: { OTEL_TRACES_EXPORTER: 'none' } });
  expect(crashes).toMatchObject([{ attributes: { 'exception.type': 'TypeError' } }]);
  expect(spans).toEqual([]);
});

test('on the console', async () => {
  const { result } = await play(nodes.node24!, 'parent', 'throw', { env: { OTEL_LOGS_EXPORTER: 'console', OTEL_TRACES_EXPORTER: 'none' } });
  expect(result.stderr).toContain('app.crash');
});

test.each(['before', 'behind'])('the exporter is killed %s the application: the next run has one record', async (when) => {
  const place = makePlace();
  const receiver = await startReceiver();
  const node = nodes.node24!;
  const env = { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_LOGS_EXPORTER: 'otlp', ...PATIENCE };
  try {
    const program = startOtelRun({ node, topology: 'replace', args: [node, fixture, 'ready'], env, ownSession: true });
    await program.said('ready');
    const [exporter] = await until(() => exportersOf(place), (found) => found.length === 1);
    await until(() => place.files().filter((file) => file.endsWith('exporter.json')), (found) => found.length > 0);
    for (const pid of when === 'before' ? [exporter!, program.pid] : [program.pid, exporter!]) process.kill(pid, 'SIGKILL');
    await program.ended;
    await until(() => processesOf(place), (left) => left.length === 0);
    const next = startOtelRun({ node, topology: 'replace', args: [node, '-e', '0'], env, ownSession: true });
    await next.ended;
    await until(() => processesOf(place), (left) => left.length === 0, 30_000);
    await drain(env);
    await until(() => processesOf(place), (left) => left.length === 0, 30_000);
    expect(told(receiver).crashes).toMatchObject([{ attributes: { 'otel_run.crash.cause': 'killed', 'otel_run.crash.open_spans': ['order', 'charge'], 'process.pid': program.pid } }]);
  } finally {
    await receiver.close();
    for (const pid of processesOf(place)) process.kill(pid, 'SIGKILL');
    place.remove();
  }
});
