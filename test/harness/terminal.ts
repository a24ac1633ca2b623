/** A shell with job control on a terminal of its own, as a person has it: `script` of util-linux makes the terminal. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanEnv, launcher } from './run.ts';

/** Elsewhere `script` takes other options. */
export const hasTerminal = process.platform === 'linux' && spawnSync('script', ['--version']).stdout?.includes('util-linux') === true && spawnSync('bash', ['--version']).status === 0;

export interface Terminal {
  /** Types it. `\x03` is Ctrl-C, `\x1a` Ctrl-Z. */
  type(text: string): void;
  /** Resolves with all that came behind the last match when the rest matches; rejects, with the output, behind a bound. */
  shows(pattern: RegExp): Promise<RegExpExecArray>;
  close(): Promise<void>;
}

/** `run` in the shell is what is to be compared: otel-run in a topology, or nothing for plain Node. */
export function openTerminal(topology: 'replace' | 'parent' | null): Terminal {
  const through = topology === null ? '' : `"${process.execPath}" "${launcher}" `;
  // Without a backend a terminal's traces are kept: not in the home of whoever runs these tests.
  const state = mkdtempSync(join(tmpdir(), 'otel-run-terminal-'));
  const child = spawn('script', ['-qec', 'bash --norc --noprofile --noediting -i', '/dev/null'], {
    env: {
      ...cleanEnv({ OTEL_RUN_WAIT: String(topology === 'parent'), OTEL_RUN_STATE_DIR: state, TERM: 'dumb', PS1: '', PS2: '' }),
      SHELL: '/bin/sh',
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let unread = '';
  let wake = (): void => {};
  child.stdout.setEncoding('utf8').on('data', (text: string) => ((unread += text.replaceAll('\r', '')), wake()));
  const ended = once(child, 'exit').then(() => wake());
  child.stdin.write(`stty -echo; run() { ${through}"$@"; }\n`);

  return {
    type: (text) => void child.stdin.write(text),
    async shows(pattern) {
      const until = performance.now() + 10_000;
      for (;;) {
        const match = pattern.exec(unread);
        if (match !== null) {
          unread = unread.slice(match.index + match[0].length);
          return match;
        }
        if (performance.now() > until || child.exitCode !== null) throw new Error(`the terminal does not show ${pattern}, but:\n${unread}`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, 1000);
          wake = () => (clearTimeout(timer), resolve());
        });
      }
    },
    async close() {
      child.stdin.write('exit\nexit\n');
      const killer = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(killer);
      rmSync(state, { recursive: true, force: true });
    },
  };
}
