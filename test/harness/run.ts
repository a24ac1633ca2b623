import { execa, type Options } from 'execa';
import { fileURLToPath } from 'node:url';

export const launcher = fileURLToPath(new URL('../../bin/otel-run.js', import.meta.url));

export interface RunOptions {
  /** The Node to run it with; default: the one that runs this test. */
  readonly node?: string;
  readonly args: readonly string[];
  /** On top of a clean environment: PATH, HOME, TMPDIR, the test file's own spool and state directory (that of a HOME which is named here) and what is named here. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly input?: string;
  /** `bin/otel-run.js` of another copy of the package. */
  readonly launcher?: string;
  /** What to ask for where the Node can do both. */
  readonly topology?: 'replace' | 'parent';
  /** In a session of its own, out of reach of the terminal that these tests may run on. */
  readonly ownSession?: boolean;
  /** The process is killed behind this. */
  readonly timeoutMs?: number;
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly pid: number;
}

export interface RunningProgram {
  readonly pid: number;
  /** Resolves when stdout (or stderr) has come to hold the text; rejects, with all output, where it ends before. */
  said(text: string | RegExp, stream?: 'stdout' | 'stderr'): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<RunResult>;
}

/** Runs the built command line to its end. */
export function otelRun(options: RunOptions): Promise<RunResult> {
  return startOtelRun(options).ended;
}

/** Runs the same with plain Node, for what must be equal. */
export function plainNode(options: Omit<RunOptions, 'topology' | 'launcher'>): Promise<RunResult> {
  return startPlainNode(options).ended;
}

export function startOtelRun({ topology, env, launcher: installed = launcher, ...options }: RunOptions): RunningProgram {
  const asked = topology === undefined ? {} : { OTEL_RUN_WAIT: String(topology === 'parent') };
  return start({ ...options, args: [installed, ...options.args], env: { ...asked, ...env } });
}

export function startPlainNode(options: Omit<RunOptions, 'topology' | 'launcher'>): RunningProgram {
  return start(options);
}

/** What a program needs to run at all; nothing of OpenTelemetry's, CI's or Node's that this test happens to run with. */
export function cleanEnv(env: RunOptions['env'] = {}, node: string = process.execPath): Record<string, string> {
  const { PATH = '', HOME = '/', TMPDIR, OTEL_RUN_SPOOL_DIR, XDG_STATE_HOME } = process.env;
  const nodeDir = node.slice(0, node.lastIndexOf('/'));
  const base = { PATH: `${nodeDir}:${PATH}`, HOME, TMPDIR, OTEL_RUN_SPOOL_DIR, ...('HOME' in env ? {} : { XDG_STATE_HOME }), ...env };
  return Object.fromEntries(Object.entries(base).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function start({ node = process.execPath, args, env, cwd, input, ownSession = false, timeoutMs = 20_000 }: RunOptions): RunningProgram {
  const options = {
    cwd: cwd ?? process.cwd(),
    env: cleanEnv(env, node),
    extendEnv: false,
    reject: false,
    stripFinalNewline: false,
    stdin: input === undefined ? 'ignore' : 'pipe',
    detached: ownSession,
  } as const satisfies Options;
  const child = execa(node, args, options);
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${node} did not start`);
  if (input !== undefined) child.stdin?.end(input);
  const deadline = setTimeout(() => killHard(pid), timeoutMs);

  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));

  const ended = child.then((result): RunResult => {
    clearTimeout(deadline);
    const { stdout, stderr, exitCode, signal, originalMessage } = result;
    if (result.failed && exitCode === undefined && signal === undefined) throw new Error(originalMessage ?? 'the program did not run');
    return { stdout, stderr, exitCode: exitCode ?? null, signal: (signal as NodeJS.Signals | undefined) ?? null, pid };
  });

  return {
    pid,
    ended,
    kill: (signal) => void process.kill(pid, signal),
    said: (text, stream = 'stdout') =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (typeof text === 'string' ? output[stream].includes(text) : text.test(output[stream])) resolve();
        };
        child[stream].on('data', look);
        look();
        const missing = (): void => reject(new Error(`it ended without saying ${text} on ${stream}\n${output.stdout}\n${output.stderr}`));
        ended.then(missing, reject);
      }),
  };
}

function killHard(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
