/** One step of the walk: a command under otel-run, its end, and what was done to it meanwhile. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pids, readProc } from '../harness/processes.ts';
import type { Step } from './walk.ts';

const cli = fileURLToPath(new URL('../../bin/otel-run.js', import.meta.url));
const apps = fileURLToPath(new URL('./apps', import.meta.url));
const LIMIT_MS = 30_000;

export interface Place {
  readonly dir: string;
  readonly journals: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface Played {
  readonly stderr: string;
  /** What is wrong with how it ended or what it said; empty where nothing is. */
  readonly faults: readonly string[];
  /** A process of it was killed in the middle of a turn. */
  readonly violent: boolean;
}

export async function playStep(step: Step, { dir, journals, env }: Place, limitMs = LIMIT_MS): Promise<Played> {
  const marker = join(dir, `step-${step.number}`);
  mkdirSync(marker);
  const node = process.execPath;
  const { program } = step;
  const command = program.kind === 'sh' ? ['sh', '-c', program.script] : [node, ...program.nodeOptions, join(apps, `${program.app}.cjs`), ...program.words];
  const child = spawn(node, [cli, ...command], {
    env: { ...env, TMPDIR: marker, NODE: node, APPS: apps, SOAK_JOURNALS: journals, SOAK_STEP: String(step.number), OTEL_SERVICE_NAME: step.service, OTEL_RUN_WAIT: String(step.topology === 'parent') },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    cwd: dir,
  });
  const pid = child.pid!;
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ready = new Promise<void>((resolve) => child.stdout.setEncoding('utf8').on('data', (text: string) => text.includes('ready') && resolve()));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const limit = limitMs === Infinity ? undefined : setTimeout(() => killAll(processesOf(marker)), limitMs);

  let violent = false;
  let launcherKilled = false;
  const deeds: Promise<void>[] = [];
  if (step.signal !== null) {
    const { name, to, afterMs } = step.signal;
    // Without a handler the kernel ends it in whatever turn it is.
    violent ||= step.expected.signal !== null;
    deeds.push(Promise.race([ready.then(() => wait(afterMs)), ended]).then(() => {
      const target = to === 'group' ? -pid : to === 'command' ? pid : (applicationOf(marker, pid) ?? pid);
      kill(target, name);
    }));
  }
  if (step.killExporterMs !== null) {
    deeds.push(Promise.race([wait(step.killExporterMs), ended]).then(() => {
      const own = processesOf(marker);
      // Before that nobody can know whose spool it is.
      if (!own.some((one) => hasLedger(one))) return;
      const exporter = step.topology === 'replace' ? own.find((one) => commandLine(one).includes('dist/exporter.js')) : pid;
      if (exporter === undefined || child.exitCode !== null) return;
      launcherKilled = exporter === pid;
      kill(exporter, 'SIGKILL');
    }));
  }
  const { code, signal } = await ended;
  await Promise.all(deeds);
  if (launcherKilled) {
    // The application goes on without it, until it ends by itself or is told to.
    const application = applicationOf(marker, pid);
    if (step.signal !== null && application !== undefined) kill(application, step.signal.name);
  }
  await Promise.race([closed, wait(launcherKilled ? 6000 : 1000)]);
  clearTimeout(limit);

  const faults: string[] = [];
  if (!launcherKilled && (code !== step.expected.code || signal !== step.expected.signal)) faults.push(`ended with ${signal ?? code}, not ${step.expected.signal ?? step.expected.code}`);
  const strange = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('otel-run: '));
  if (!step.isLoud && strange.length > 0) faults.push(`stderr holds ${JSON.stringify(strange.slice(0, 3).join('\n'))}`);
  return { stderr, faults, violent };
}

/** Processes whose environment says that they belong there, or below: TMPDIR is among the little that exporters are given. */
export function processesOf(marker: string): number[] {
  return pids().filter((pid) => ['\0', '/'].some((end) => readProc(pid, 'environ').includes(`TMPDIR=${marker}${end}`)));
}

export function commandLine(pid: number): string {
  return readProc(pid, 'cmdline');
}

export function killAll(pids: readonly number[]): void {
  for (const pid of pids) kill(pid, 'SIGKILL');
}

/** As opposed to its launcher, which names it too. */
export function isApplication(pid: number): boolean {
  return commandLine(pid).includes('/test/soak/apps/') && !commandLine(pid).includes('otel-run.js');
}

function applicationOf(marker: string, command: number): number | undefined {
  return isApplication(command) ? command : processesOf(marker).find(isApplication);
}

function hasLedger(pid: number): boolean {
  const dir = /"dir":"([^"]+)"/.exec(readProc(pid, 'environ'))?.[1];
  return dir !== undefined && existsSync(join(dir, 'exporter.json'));
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
