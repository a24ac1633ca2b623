/** A long-running application under the built otel-run (or plain node), as a test sees it from outside. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const cli = fileURLToPath(new URL('../../bin/otel-run.js', import.meta.url));

export interface ServiceOptions {
  /** Absolute path of the Node binary that runs both otel-run and the application. */
  readonly node: string;
  /** Options of otel-run before the command; null runs the script under plain node. */
  readonly options: readonly string[] | null;
  readonly script: string;
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string>>;
  /** What it prints on stdout when it is ready; its first group is handed back. */
  readonly ready: RegExp;
}

export interface ServiceProcess {
  readonly pid: number;
  /** First group of `ready`. */
  readonly address: string;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves when stdout matches; rejects with the output when it ends before or takes longer. */
  says(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  /** SIGTERM; SIGKILL after 8 s. Resolves with how it ended. */
  stop(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

export async function startService({ node, options, script, cwd, env, ready }: ServiceOptions): Promise<ServiceProcess> {
  const args = options === null ? [script] : [cli, ...options, node, script];
  const child = spawn(node, args, { cwd, env: { PATH: process.env.PATH, HOME: process.env.HOME, OTEL_RUN_SPOOL_DIR: process.env.OTEL_RUN_SPOOL_DIR, XDG_STATE_HOME: process.env.XDG_STATE_HOME, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  const changed = (): void => listeners.forEach((listener) => listener());
  child.stdout.setEncoding('utf8').on('data', (text: string) => ((stdout += text), changed()));
  child.stderr.setEncoding('utf8').on('data', (text: string) => ((stderr += text), changed()));
  let ending: { code: number | null; signal: NodeJS.Signals | null } | null = null;
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once('close', (code, signal) => {
      resolve((ending = { code, signal }));
      changed();
    }),
  );

  const says = (pattern: RegExp, timeoutMs = 30_000): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        listeners.delete(look);
        settle();
      };
      const fail = (why: string): void => finish(() => reject(new Error(`${why} waiting for ${pattern}\n--- stdout\n${stdout}\n--- stderr\n${stderr}`)));
      const timer = setTimeout(() => fail(`${timeoutMs} ms passed`), timeoutMs);
      const look = (): void => {
        const match = pattern.exec(stdout);
        if (match !== null) finish(() => resolve(match));
        else if (ending !== null) fail(`ended with ${ending.signal ?? ending.code}`);
      };
      listeners.add(look);
      look();
    });

  const stop = async (): Promise<{ code: number | null; signal: NodeJS.Signals | null }> => {
    if (ending === null) child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 8000);
    const result = await ended;
    clearTimeout(timer);
    return result;
  };

  try {
    const [, address = ''] = await says(ready);
    return { pid: child.pid!, address, stdout: () => stdout, stderr: () => stderr, says, stop };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}
