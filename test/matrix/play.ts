/**
 * One cell of the fault matrix: the numbered application under the real command line and under plain node on the same
 * Node release. The application numbers its spans, the receiver tells which are missing.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import { cells, type Cell } from '../harness/nodes.ts';
import { startReceiver, type ReceivedSpan } from '../harness/receiver.ts';
import { startOtelRun, startPlainNode, type RunResult, type RunningProgram } from '../harness/run.ts';

export interface Ending {
  /** What `test/fixtures/endings` is told. */
  readonly name: string;
  /** Sent when the application says that it is ready. */
  readonly signal?: NodeJS.Signals;
  readonly nodeOptions?: readonly string[];
  /** Told as well. */
  readonly word?: string;
  /** For otel-run. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Played {
  readonly result: RunResult;
  readonly spans: readonly ReceivedSpan[];
}

/** Every tested Node release, CommonJS and ES modules, every topology. */
export const allCells = cells('all').map((cell): [name: string, cell: Cell] => [cell.name, cell]);

/** What a run keeps and says later is none of anybody else's. */
export const home = mkdtempSync(join(tmpdir(), 'matrix-'));
afterAll(() => rmSync(home, { recursive: true, force: true, maxRetries: 3 }));

/** A receiver on a busy machine may answer late; how late an end may be is the matter of rows 13 and 14. */
export const PATIENCE = { OTEL_RUN_DRAIN_UNREACHED: '15000', OTEL_RUN_DRAIN_BAD: '15000' };

/** Cells wait more than they compute. */
export const CELLS_AT_ONCE = 3;

/** Plays the ending with and without otel-run: all numbers from 1 to `count` arrive once, and nobody else sees a difference. */
export async function expectAllDelivered(cell: Cell, ending: Ending, count = 100): Promise<Played> {
  const played = await play(cell, ending, (spans) => missing(spans, count).length === 0);
  expect(missing(played.spans, count)).toEqual([]);
  expect(played.spans).toHaveLength(count);
  return played;
}

/** Resolves when `isEnough` holds of what has arrived, or will not any more. The ending is compared with plain node's. */
export async function play(cell: Cell, ending: Ending, isEnough: (spans: readonly ReceivedSpan[]) => boolean): Promise<Played> {
  const receiver = await startReceiver();
  try {
    const { node, kind, topology } = cell;
    const env = { HOME: home, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, ...PATIENCE, ...ending.env };
    const args = [...(ending.nodeOptions ?? []), fixture(kind), ending.name, ...(ending.word === undefined ? [] : [ending.word])];
    const [result, plain] = await Promise.all([
      end(startOtelRun({ node, topology, args: [node, ...args], env, ownSession: true }), ending, topology),
      playPlain(cell, ending, args),
    ]);
    await receiver.waitForSpans(isEnough).catch(() => {}); // what is missing is said by who asked
    expect(comparable(result)).toEqual(comparable(plain));
    expect(receiver.errors).toEqual([]);
    return { result, spans: receiver.spans };
  } finally {
    await receiver.close();
  }
}

/** Numbers of `span 1` … `span <last>` that have not come. */
export function missing(spans: readonly ReceivedSpan[], last: number): number[] {
  const names = new Set(spans.map(({ name }) => name));
  return Array.from({ length: last }, (_, index) => index + 1).filter((number) => !names.has(`span ${number}`));
}

export const fixture = (kind: Cell['kind']): string => fileURLToPath(new URL(`../fixtures/endings/endings.${kind}`, import.meta.url));

/** Name and reason of the spans that the end has cut off. */
export function cutOff(spans: readonly ReceivedSpan[]): string[] {
  return spans.flatMap(({ name, attributes }) => (UNFINISHED in attributes ? [`${name}: ${String(attributes[UNFINISHED])}`] : [])).sort();
}

const UNFINISHED = 'otel_run.unfinished';

const plainRuns = new Map<string, Promise<RunResult>>();

/** The same in both topologies. */
function playPlain({ node, kind }: Cell, ending: Ending, args: readonly string[]): Promise<RunResult> {
  const key = JSON.stringify([node, kind, ending.name, ending.word, ending.signal]);
  const known = plainRuns.get(key) ?? end(startPlainNode({ node, args, ownSession: true }), ending, 'replace');
  plainRuns.set(key, known);
  return known;
}

async function end(program: RunningProgram, { signal }: Ending, topology: Cell['topology']): Promise<RunResult> {
  if (signal !== undefined) {
    await program.said('ready');
    // The launcher hands on every signal but the one that nobody sees coming: that one is for the application here.
    process.kill(signal === 'SIGKILL' && topology === 'parent' ? onlyChildOf(program.pid) : program.pid, signal);
  }
  return program.ended;
}

export function onlyChildOf(pid: number): number {
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').map(Number);
  return child!;
}

/** Without pids, addresses, how V8 came to say that the heap is full, and frames inside Node: two listeners take another way through `process.emit` than one. */
export function comparable({ stdout, stderr, exitCode, signal }: RunResult): object {
  const own = stderr.replace(/^<--- Last few GCs --->$[^]*^FATAL ERROR: .*(?=Allocation failed - JavaScript heap out of memory$)/m, '');
  const words = own
    .split('\n')
    .filter((line) => !/^ +at .*\(node:[^)]*\)$/.test(line))
    .map((line) => line.replace(/0x[0-9a-f]+/g, 'ADDRESS').replace(/\(node:\d+\)/g, '(node:PID)').replace(/^ *\d+: ADDRESS.*/, 'NATIVE'));
  // How deep the native stack was is no promise.
  return { stdout, stderr: words.filter((line, at) => line !== 'NATIVE' || words[at - 1] !== 'NATIVE').join('\n'), exitCode, signal };
}
