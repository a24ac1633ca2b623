import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { startReceiver, type Receiver, type ReceivedSpan } from '../harness/receiver.ts';
import { startOtelRun, startPlainNode, type RunningProgram, type RunOptions, type RunResult } from '../harness/run.ts';

export const fixtures = fileURLToPath(new URL('../fixtures/tree/', import.meta.url));
export const toolModules = fileURLToPath(new URL('../apps/tools/node_modules', import.meta.url));

const scratch = mkdtempSync(join(tmpdir(), 'tree-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

export interface Play {
  readonly result: RunResult;
  /** Of the same command without otel-run. */
  readonly plain: RunResult;
  readonly spans: readonly ReceivedSpan[];
  /** What each process and thread of the tree said of itself, sorted; the launcher's own left out. */
  readonly seen: readonly string[];
}

export type PlayOptions = Pick<RunOptions, 'node' | 'cwd' | 'env' | 'topology' | 'timeoutMs'> & { readonly words: readonly string[] };

/** Runs a command under otel-run until `count` spans have arrived and once without it. */
export async function play({ words, ...options }: PlayOptions, count: number): Promise<Play> {
  const stage = await openStage(options);
  try {
    const [result, plain] = await Promise.all([stage.start(words).ended, startPlainNode({ ...options, args: ['-e', runWords, ...words] }).ended]);
    await stage.receiver.waitForSpans(count);
    return { result, plain, spans: stage.receiver.spans, seen: stage.seen() };
  } finally {
    await stage.receiver.close();
  }
}

export interface Stage {
  readonly receiver: Receiver;
  readonly start: (words: readonly string[]) => RunningProgram;
  readonly seen: () => readonly string[];
}

/** A receiver, and otel-run told to send there, with a probe in every process that Node makes. */
export async function openStage({ env, ...options }: Omit<PlayOptions, 'words'>): Promise<Stage> {
  const receiver = await startReceiver();
  const file = join(mkdtempSync(join(scratch, 'probe-')), 'seen');
  writeFileSync(file, '');
  const probe = `--require ${join(fixtures, 'probe.cjs')}`;
  return {
    receiver,
    start: (words) => startOtelRun({ ...options, args: words, env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, NODE_OPTIONS: probe, PROBE_FILE: file, ...env } }),
    seen: () => readFileSync(file, 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('otel-run.js:')).sort(),
  };
}

/** A folder with these files, and with the tools of the tests (or what `modules` names) installed. */
export function makeProject(files: Readonly<Record<string, string | object>>, { modules = toolModules }: { modules?: string | null } = {}): string {
  const dir = mkdtempSync(join(scratch, 'project-'));
  if (modules !== null) symlinkSync(modules, join(dir, 'node_modules'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return dir;
}

export function namesOf(spans: readonly ReceivedSpan[]): string[] {
  return spans.map(({ name }) => name).sort();
}

/** Stands in for otel-run where a command is to run without it. */
const runWords = "const { status } = require('node:child_process').spawnSync(process.argv[1], process.argv.slice(2), { stdio: 'inherit' }); process.exitCode = status;";
