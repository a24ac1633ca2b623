/**
 * The rarer ways to end: what was finished is in the segments, and the ending is plain node's. The agent alone, in
 * real processes; the common ways, with launcher and exporter, are rows of the fault matrix.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { ensureNodes } from '../../scripts/setup/nodes.mjs';
import { startPlainNode, type RunResult } from '../harness/run.ts';
import { agentPlan, preload, readSpool, type SpooledSpans } from '../harness/spool.ts';

interface Ending {
  readonly name: string;
  /** Sent when the program says that it is ready. */
  readonly signal?: NodeJS.Signals;
  /** Spans that must arrive; 100 where nothing is said. */
  readonly spans?: number;
}

const endings: readonly Ending[] = [
  ...['natural-later', 'exit-code', 'really-exit', 'survivor'].map((name) => ({ name })),
  ...['in-exit-listener', 'in-exit-listener-of-exit', 'exit-listener-throws', 'before-exit', 'before-exit-microtask', 'listeners-removed'].map((name) => ({ name })),
  { name: 'before-exit-work', spans: 125 },
  ...['all-listeners-removed', 'open', 'self-signal', 'emitted', 'listeners', 'many-listeners', 'stack-in-listener', 'in-domain'].map((name) => ({ name })),
  { name: 'many-scopes', spans: 5000 },
  { name: 'signal-after-timer', signal: 'SIGKILL' },
  ...['worker', 'worker-exit', 'worker-throw', 'worker-eval'].map((name) => ({ name })),
];

const all = Object.entries((await ensureNodes()) as Record<string, string>);
/** The floor and the newest. */
const nodes = [all[0]!, all.at(-1)!];
const scratch = mkdtempSync(join(tmpdir(), 'endings-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe.each(nodes)('on %s', (_, node) => {
  describe.each(['cjs', 'mjs'])('%s', (kind) => {
    test.each(endings)('$name $signal', async (ending) => {
      const file = fileURLToPath(new URL(`../fixtures/endings/endings.${kind}`, import.meta.url));
      const [traced, plain] = await Promise.all([play(node, file, ending, true), play(node, file, ending, false)]);

      expect(missing(traced.spool, ending.spans ?? 100)).toEqual([]);
      expect(traced.spool.spans).toHaveLength(ending.spans ?? 100);
      expect([traced.spool.dropped, traced.spool.skipped]).toEqual([0, 0]);
      expect(comparable(traced.result)).toEqual(comparable(plain.result));
    });
  });
});

test('a turn that never ends, killed, loses at most 64 KiB', async () => {
  const [, node] = nodes.at(-1)!;
  const file = fileURLToPath(new URL('../fixtures/endings/endings.cjs', import.meta.url));
  const { spool } = await play(node, file, { name: 'large-turn', signal: 'SIGKILL' }, true);
  const bytesOfOne = 70;
  expect(missing(spool, 20_000).length).toBeLessThan((64 * 1024) / bytesOfOne);
});

/** The context in which Node reports an exception differs between releases. */
describe.each(all)('spans that the end cuts off, on %s', (_, node) => {
  const file = fileURLToPath(new URL('../fixtures/endings/endings.cjs', import.meta.url));

  test('say so when the process exits', async () => {
    const { spool } = await play(node, file, { name: 'open' }, true);
    expect(marks(spool)).toEqual([['span 100', 'exit'], ['span 99', 'exit']]);
    expect(spool.spans.find(({ name }) => name === 'span 100')?.attributes['shop.order']).toBe(7);
    expect(spool.ended).toBe(1);
  });

  test.each([
    ['throw', 'nobody catches this', ['span 100']],
    ['throw-inside', 'nobody catches this either', ['span 100']],
    ['throw-in-await', 'nobody awaits this async function', ['span 100']],
    ['throw-nested', 'the inner one', ['span 100', 'span 99']],
    ['rejection', 'nobody awaits this', ['span 100']],
    ['exit-in-exception-handler', 'handled by an exit', ['span 100']],
  ])('carry the exception that ended the process (%s)', async (name, message, cutOff) => {
    const { spool } = await play(node, file, { name }, true);
    expect(marks(spool)).toEqual(cutOff.map((span) => [span, 'uncaught exception']));
    expect(withExceptions(spool)).toEqual([['span 100', 'error', message, message]]);
    // The crash is told of each that it has cut off.
    expect(spool.spans.filter(({ events }) => events.some((event) => event.name === 'app.crash' && event.attributes['exception.message'] === message)).map((span) => span.name)).toEqual(cutOff);
  });

  test('carry it on the innermost that is still open', async () => {
    const { spool } = await play(node, file, { name: 'throw-after-catch' }, true);
    expect(withExceptions(spool)).toEqual([['span 99', 'error', 'of the outer one', 'of the outer one']]);
  });

  test('carry it where an emitter throws it', async () => {
    const { spool } = await play(node, file, { name: 'throw-in-emitter' }, true);
    expect(withExceptions(spool)).toEqual([['inner', 'error', 'nobody listens', 'nobody listens']]);
  });

  test('are not marked where the application survives, nor with what it survived', async () => {
    const { spool } = await play(node, file, { name: 'survivor' }, true);
    expect(marks(spool)).toEqual([]);
    expect(spool.spans.find((one) => one.name === 'span 51')?.events).toHaveLength(1);
    expect(marks((await play(node, file, { name: 'exit-after-survival' }, true)).spool)).toEqual([['span 100', 'exit']]);
  });
});

let runs = 0;
async function play(node: string, file: string, { name, signal }: Ending, traced: boolean): Promise<{ result: RunResult; spool: SpooledSpans }> {
  const dir = join(scratch, `${runs++}`);
  const env = traced ? { NODE_OPTIONS: `--require ${preload}`, OTEL_RUN_PLAN: JSON.stringify(agentPlan(dir)) } : {};
  const program = startPlainNode({ node, args: [file, name], env, cwd: scratch });
  if (signal !== undefined) {
    await program.said('ready');
    program.kill(signal);
  }
  const result = await program.ended;
  return { result, spool: readSpool(dir) };
}

function missing(spool: SpooledSpans, count: number): number[] {
  const found = new Set(spool.spans.map(({ name }) => name));
  return Array.from({ length: count }, (_, index) => index + 1).filter((number) => !found.has(`span ${number}`));
}

function marks(spool: SpooledSpans): unknown[] {
  return spool.spans.filter(({ attributes }) => 'otel_run.unfinished' in attributes).map(({ name, attributes }) => [name, attributes['otel_run.unfinished']]);
}

function withExceptions(spool: SpooledSpans): unknown[] {
  return spool.spans.flatMap(({ name, status, events }) => events.filter((event) => event.name === 'exception').map((event) => [name, status.code, status.message, event.attributes['exception.message']]));
}

/**
 * Without what differs from run to run of the same program (pid, addresses in native stack traces), and without
 * frames inside Node: two listeners take another way through `process.emit` than one.
 */
function comparable({ pid, stderr, ...rest }: RunResult): unknown {
  const own = stderr.split('\n').filter((line) => !/^ +at .*\(node:[^)]*\)$/.test(line)).join('\n');
  return { ...rest, stderr: own.replaceAll(String(pid), 'PID').replace(/0x[0-9a-f]+/g, 'ADDRESS') };
}

