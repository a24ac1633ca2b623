/** Runs of the built command line with the numbered application, for tests of the exporter. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync, type Dirent } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodes } from '../harness/nodes.ts';
import { pids, readProc } from '../harness/processes.ts';
import { launcher, otelRun, startOtelRun, type RunResult, type RunningProgram } from '../harness/run.ts';

export type Topology = 'replace' | 'parent';
export const topologies: readonly Topology[] = ['parent', 'replace'];
export const node = nodes.node24!;
export const numberedScript = fileURLToPath(new URL('../fixtures/export/numbered.cjs', import.meta.url));

/** A home and a spool of its own for each test: what is left behind is seen. */
export interface Place {
  readonly home: string;
  readonly spool: string;
  readonly env: Readonly<Record<string, string>>;
  /** Directories of runs that are left. */
  runs(): string[];
  /** Every file below home and spool. */
  files(): string[];
  /** Kept files, by destination. */
  kept(): string[];
  /** The numbered application in a package of its own, which names no SDK: this repository's does. */
  ownPackage(): string;
  remove(): void;
}

export function makePlace(): Place {
  const dir = mkdtempSync(join(tmpdir(), 'export-'));
  const home = join(dir, 'home');
  const spool = join(dir, 'spool');
  for (const path of [home, spool]) mkdirSync(path);
  return {
    home,
    spool,
    env: { HOME: home, TMPDIR: dir, OTEL_RUN_SPOOL_DIR: spool, OTEL_BSP_SCHEDULE_DELAY: '50', OTEL_RUN_KEEP: 'true' },
    runs: () => listAll(spool).filter((entry) => entry.isDirectory() && /^[0-9a-f]{16}$/.test(entry.name)).map(({ name }) => name),
    files: () => [home, spool].flatMap((root) => listAll(root).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))),
    kept: () => {
      const root = join(home, '.local/state/otel-run/kept');
      return existsSync(root) ? readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.otlp')) : [];
    },
    ownPackage() {
      writeFileSync(join(dir, 'package.json'), '{}');
      writeFileSync(join(dir, 'app.cjs'), `require(${JSON.stringify(numberedScript)});\n`);
      return join(dir, 'app.cjs');
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** Everything below a directory, in which things are removed at any moment. */
function listAll(dir: string): Dirent[] {
  for (;;) {
    try {
      return readdirSync(dir, { recursive: true, withFileTypes: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || !existsSync(dir)) throw error;
    }
  }
}

type Env = Readonly<Record<string, string | undefined>>;

/** `numbered.cjs <words>` under otel-run. */
export function startNumbered(words: readonly (string | number)[], env: Env, topology: Topology = 'parent', script = numberedScript, options: readonly string[] = [], by = node, installed = launcher): RunningProgram {
  return startOtelRun({ node: by, launcher: installed, topology, args: [...options, by, script, ...words.map(String)], env, cwd: dirname(script), ownSession: true });
}

export function runNumbered(words: readonly (string | number)[], env: Env, topology?: Topology): Promise<RunResult> {
  return startNumbered(words, env, topology).ended;
}

export function drain(env: Env, ...options: string[]): Promise<RunResult> {
  return otelRun({ node, args: ['drain', ...options], env, timeoutMs: 40_000 });
}

export function purge(env: Env, ...words: string[]): Promise<RunResult> {
  return otelRun({ node, args: ['purge', ...words], env });
}

/** Asks every 20 ms; a condition that never comes fails with what it last found. */
export async function until<T>(look: () => T, holds: (found: T) => boolean, timeoutMs = 10_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = look();
    if (holds(found)) return found;
    if (Date.now() > deadline) throw new Error(`it has not come about: ${JSON.stringify(found)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Exporters that are processes of their own. */
export function exportersOf(place: Place): number[] {
  return processesOf(place).filter((pid) => readProc(pid, 'cmdline').includes('dist/exporter.js'));
}

/** Everything that was started for a test: the temporary directory is among the little that exporters are given. */
export function processesOf({ env }: Place): number[] {
  return pids().filter((pid) => readProc(pid, 'environ').includes(`TMPDIR=${env.TMPDIR}\0`));
}
