/** Plays one row with one contender: a real process tree in a place of its own, and what became of its spans and its ending. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contenders, type Contender } from '../contenders.mjs';
import { decodeProtobuf } from '../../test/harness/otlp-decode.ts';
import { nodeHas } from '../../src/plan/node-capabilities.ts';
import { saidLost } from '../../test/soak/account.ts';
import { startBackend, type Backend } from './backend.ts';
import type { Node } from './node.ts';
import type { Command, Outcome, Row, Running } from './types.ts';

const play = fileURLToPath(new URL('./apps/play.cjs', import.meta.url));
const ddTrace = fileURLToPath(new URL('../peers/dd/node_modules/dd-trace', import.meta.url));
const parent = contenders.find(({ name }) => name === 'otel-run (parent)')!;
const LIMIT_MS = 15_000;
/** What a program that has ended may still have on its way. */
const LEFT_BEHIND_MS = 12_000;
/** What a run may go on sending of what earlier ones have kept. */
const RESENDING_MS = 30_000;

/** What a busy machine needs so that a sound backend is never given up: for rows in which no such word is expected. */
const PATIENCE = { OTEL_RUN_DRAIN_UNREACHED: '15000', OTEL_RUN_DRAIN_BAD: '15000' };

/** Null where the row makes no sense for the contender, or this Node cannot do what it needs. `isPatient`: how late the end is, is no matter where the backend is well. */
export async function playRow(row: Row, contender: Contender, { path: node, version }: Node, isPatient = false): Promise<Outcome | null> {
  if (row.not?.(contender) === true || (row.needsRoot === true && process.getuid?.() !== 0)) return null;
  if (contender.needs === 'execve' && !nodeHas('execve', version)) return null;
  const dir = mkdtempSync(join(tmpdir(), 'faults-'));
  const backend = await startBackend(contender.protocol, contender.traced ? row.backend : undefined, dir);
  try {
    for (const name of ['home', 'spool', 'notes']) mkdirSync(join(dir, name));
    const command = commandOf(row, contender, node, dir, backend.port);
    if (command === null) return null;
    const patience = isPatient && (row.backend === undefined || row.lines === undefined) ? PATIENCE : {};
    const env = { ...environment(dir, contender, node, backend.port), ...patience, ...row.env, ...command.env };
    const { child, running, ended, startedAt } = start(command, env, { contender, dir, backend });
    const limit = setTimeout(() => killAll(running.processes()), row.limitMs ?? LIMIT_MS);
    let neverEnds = false;
    await row.inject?.(running).catch((error: unknown) => {
      if (child.exitCode === null && child.signalCode === null) throw error;
    });
    const { code, signal, at } = await ended;
    clearTimeout(limit);
    neverEnds = at - startedAt >= (row.limitMs ?? LIMIT_MS) && signal === 'SIGKILL';
    if (!neverEnds) await allEnded(dir, LEFT_BEHIND_MS);
    killAll(running.processes());
    await delay(50);

    const spans = row.spans ?? 100;
    const first = backend.numbers();
    const delivered = wanted(first, spans);
    const finding = row.finding?.(running) ?? null;
    const next = contender.traced && contender.preload === null && delivered < spans ? await nextRun(backend, node, dir, env) : '';
    const after = backend.numbers();
    const kept = keptNumbers(join(dir, 'home')).filter((n) => n >= 1 && n <= spans && !after.has(n)).length;
    return {
      spans,
      delivered,
      twice: [...after].filter(([n, times]) => n <= spans && times > 1).length,
      later: wanted(after, spans) - delivered,
      kept,
      counted: saidLost(running.output.stderr) + saidLost(next.replace(OWN_LOSS, '')),
      code,
      signal,
      neverEnds,
      endedAfterMs: at - (readNote(dir, 'ending') ?? at),
      stdout: running.output.stdout,
      stderr: running.output.stderr,
      saidNext: next,
      finding,
    };
  } finally {
    killAll(processesOf(dir));
    await backend.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

function commandOf(row: Row, contender: Contender, node: string, dir: string, port: number): Command | null {
  if (row.command !== undefined) return row.command({ contender, node, play, dir, port });
  return { words: contender.command(node, [...(row.nodeOptions ?? []), play, ...(row.program ?? [])]) };
}

/** Nothing of the caller's telemetry settings reaches a contender. TMPDIR marks every process of the run. */
function environment(dir: string, contender: Contender, node: string, port: number): Record<string, string> {
  return {
    PATH: `${dirname(node)}:${process.env.PATH}`,
    HOME: join(dir, 'home'),
    TMPDIR: dir,
    FAULTS_NOTES: join(dir, 'notes'),
    ...(contender.protocol === 'datadog' ? { FAULTS_DD: ddTrace } : {}),
    ...(contender.preload === null && contender.traced ? { OTEL_RUN_SPOOL_DIR: join(dir, 'spool') } : {}),
    FAULTS_BACKEND: `http://127.0.0.1:${port}`,
    ...contender.env(port),
  };
}

function start(
  { words, cwd }: Command,
  env: Record<string, string>,
  place: { contender: Contender; dir: string; backend: Backend },
): { child: ChildProcess; running: Running; ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; at: number }>; startedAt: number } {
  const startedAt = Date.now();
  const [file, ...args] = words;
  const child = spawn(file!, args, { env, cwd: cwd ?? place.dir, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const output = { stdout: '', stderr: '' };
  const watchers = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      for (const look of watchers) look();
    });
  }
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null; at: number }>((resolve, reject) => {
    child.once('error', reject);
    // What outlives the command may hold its stdout: its output is not waited for beyond a moment.
    child.once('exit', (code, signal) => {
      const at = Date.now();
      const done = (): void => resolve({ code, signal, at });
      child.once('close', done);
      setTimeout(done, 1000).unref();
    });
  });
  const running: Running = {
    ...place,
    pid: child.pid!,
    output,
    said: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!output.stdout.includes(text)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
        void ended.then(() => reject(new Error(`it ended without saying ${text}: ${output.stderr}`)), reject);
      }),
    application: () => readNote(place.dir, 'pid')!,
    ending: () => note(place.dir, Date.now()),
    processes: () => processesOf(place.dir),
  };
  return { child, running, ended, startedAt };
}

/**
 * What had not arrived: a later run with the same backend sends it, `otel-run drain` the rest. Returns what both said. A run
 * goes on sending behind its own end, and holds what it is sending: `drain` leaves that alone.
 */
async function nextRun(backend: Backend, node: string, dir: string, env: Record<string, string>): Promise<string> {
  await backend.heal();
  const { NODE_OPTIONS: _, OTEL_RUN_CONFIG: __, ...rest } = env;
  const words = parent.launcher(node);
  let said = '';
  for (const args of [[...words, node, play, 'nextRun'], [...words.slice(0, 2), 'drain']]) {
    const child = spawn(args[0]!, args.slice(1), { env: { ...rest, OTEL_RUN_SPOOL_DIR: join(dir, 'spool') }, cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const limit = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await new Promise((resolve) => child.once('close', resolve));
    clearTimeout(limit);
    await allEnded(dir, RESENDING_MS);
  }
  return said;
}

/** The later run has one span, which is no matter of the row. */
const OWN_LOSS = /^otel-run: 1 span for \S+ lost: .*$/gm;

async function allEnded(dir: string, withinMs: number): Promise<void> {
  for (const until = Date.now() + withinMs; processesOf(dir).length > 0 && Date.now() < until; ) await delay(25);
}

function wanted(numbers: ReadonlyMap<number, number>, last: number): number {
  return [...numbers.keys()].filter((n) => n >= 1 && n <= last).length;
}

/** Numbers of the spans that lie in the state directory still, each file an export request behind a line of JSON. */
function keptNumbers(home: string): number[] {
  const root = join(home, '.local/state/otel-run/kept');
  if (!existsSync(root)) return [];
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /\.otlp(?:\.[^/]+\.claim)?$/.test(name));
  return files.flatMap((name) => {
    const bytes = readFileSync(join(root, name));
    return decodeProtobuf('traces', bytes.subarray(bytes.indexOf(10) + 1)).spans.map(({ attributes }) => Number(attributes['test.n']));
  });
}

const noted = new Map<string, number>();
function note(dir: string, at: number): void {
  noted.set(dir, at);
}

function readNote(dir: string, name: 'ending' | 'pid'): number | null {
  if (name === 'ending' && noted.has(dir)) return noted.get(dir)!;
  const file = join(dir, 'notes', name);
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : null;
}

export function processesOf(dir: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && readProc(pid).includes(`TMPDIR=${dir}\0`));
}

function readProc(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return '';
  }
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
