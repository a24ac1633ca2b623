/** The exporter of the sources as they are, bundled once for a test file, with what its tests need around it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { onTestFinished } from 'vitest';
import { superviseExporter, type SupervisedExporter } from '../../src/export/supervise.ts';
import type { ExporterPlan, OtlpDestination } from '../../src/plan/types.ts';
import type { KeeperTask } from './keeper.ts';
import type { WriterTask } from './writer.ts';

const built = mkdtempSync(join(tmpdir(), 'exporter-built-'));
process.once('exit', () => rmSync(built, { recursive: true, force: true }));
writeFileSync(join(built, 'package.json'), '{"type":"module"}');
await build({
  absWorkingDir: fileURLToPath(new URL('../..', import.meta.url)),
  entryPoints: { exporter: 'src/export/process.ts', 'exporter-worker': 'src/export/worker.ts', writer: 'test/export/writer.ts', keeper: 'test/export/keeper.ts' },
  outdir: built,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  logLevel: 'error',
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
});

export const workerUrl = pathToFileURL(join(built, 'exporter-worker.js'));
export const exporterFile = join(built, 'exporter.js');

export interface Room {
  readonly dir: string;
  readonly spool: string;
  readonly state: string;
  readonly notices: string[];
  plan(changes?: Partial<ExporterPlan>): ExporterPlan;
  supervise(plan: ExporterPlan, options?: { workerUrl?: URL }): SupervisedExporter;
  /** Runs a writer to its end (`stay`: until it has written). */
  write(task: Omit<WriterTask, 'dir' | 'ending'> & { ending?: WriterTask['ending']; dir?: string }): Promise<ChildProcess>;
  segments(dir?: string): string[];
  /** A directory in that of the room. */
  subdirectory(name: string): string;
  /** Waits until a notice of these words has come. */
  noticed(words: RegExp): Promise<void>;
  /** Headers of what is kept. */
  kept(): { signal: string; count: number; file: string; text: string }[];
}

/** A directory of its own for one test; everything in it is gone afterwards, and every process ended. */
export function makeRoom(): Room {
  const dir = mkdtempSync(join(tmpdir(), 'exporter-'));
  const spool = join(dir, 'spool');
  const state = join(dir, 'state');
  mkdirSync(spool, { mode: 0o700 });
  const notices: string[] = [];
  const exporters: SupervisedExporter[] = [];
  const children: ChildProcess[] = [];
  onTestFinished(async () => {
    for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await Promise.all(exporters.map((exporter) => exporter.drain({ deadlineMs: 0 })));
    rmSync(dir, { recursive: true, force: true });
  });
  return {
    dir,
    spool,
    state,
    notices,
    plan: (changes = {}) => ({
      version: 1,
      run: 'a0b1c2d3e4f50617',
      spool,
      spoolBytes: 64 * 1024 * 1024,
      stateDir: state,
      notKept: null,
      serviceName: null,
      environment: null,
      destinations: [],
      batch: { scheduleDelayMs: 100, maxItems: 512 },
      metrics: { intervalMs: 60_000, temporality: 'cumulative', own: false },
      drain: { unreachedMs: 2000, badMs: 500 },
      noticeFile: null,
      lastWordsFiles: [],
      root: null,
      verbosity: 'normal',
      ...changes,
    }),
    supervise(plan, options = {}) {
      const exporter = superviseExporter(plan, { onNotice: (line) => void notices.push(line), workerUrl, ...options });
      exporters.push(exporter);
      return exporter;
    },
    async write(task) {
      const full: WriterTask = { dir: spool, ending: 'close', ...task };
      const child = spawn(process.execPath, [join(built, 'writer.js'), JSON.stringify(full)], { stdio: ['pipe', 'pipe', 'inherit'] });
      children.push(child);
      await new Promise<void>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (code, signal) => (code === 0 || signal === 'SIGKILL' ? resolve() : reject(new Error(`writer ended with ${code ?? signal}`))));
        if (full.ending === 'stay') child.stdout!.once('data', () => resolve());
        else {
          child.stdout!.resume();
          child.stdin!.end();
        }
      });
      return child;
    },
    subdirectory(name) {
      mkdirSync(join(dir, name));
      return join(dir, name);
    },
    noticed: (words) => until(() => notices.some((line) => words.test(line)), `a notice of ${words}`, 15_000),
    segments: (of = spool) => (existsSync(of) ? readdirSync(of).filter((name) => name.endsWith('.seg')) : []),
    kept() {
      const root = join(state, 'kept');
      if (!existsSync(root)) return [];
      return readdirSync(root).flatMap((sub) =>
        readdirSync(join(root, sub)).map((name) => {
          const text = readFileSync(join(root, sub, name), 'latin1');
          return { ...(JSON.parse(text.slice(0, text.indexOf('\n'))) as { signal: string; count: number }), file: join(root, sub, name), text };
        }),
      );
    },
  };
}

export function otlp(url: string, changes: Partial<OtlpDestination> = {}): OtlpDestination {
  const protocol = changes.protocol ?? 'http/protobuf';
  return {
    kind: 'otlp',
    signal: 'traces',
    protocol,
    url: protocol === 'grpc' ? url : `${url}/v1/traces`,
    headers: {},
    timeoutMs: 10_000,
    compression: 'none',
    tls: {},
    undelivered: 'keep',
    ...changes,
  };
}

/** Processes that put batches of one item each, all at the same time; answers how many items had to make room. */
export async function keepAtOnce(tasks: readonly KeeperTask[]): Promise<number> {
  const keepers = tasks.map((task) => {
    const child = spawn(process.execPath, [join(built, 'keeper.js'), JSON.stringify(task)], { stdio: ['pipe', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more));
    const ended = new Promise<number>((resolve) => child.once('close', () => resolve(Number(/evicted (\d+)/.exec(text)?.[1]))));
    return { child, ended, hasBegun: () => text.startsWith('begun') };
  });
  await until(() => keepers.every(({ hasBegun }) => hasBegun()), 'all have begun', 20_000);
  for (const { child } of keepers) child.stdin.write('go\n');
  return (await Promise.all(keepers.map(({ ended }) => ended))).reduce((sum, count) => sum + count, 0);
}

/** Waits for a condition, polling: for what no event tells. */
export async function until(holds: () => boolean, what: string, timeoutMs = 10_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
