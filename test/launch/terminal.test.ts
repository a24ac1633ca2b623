import { execa } from 'execa';
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { cleanEnv, launcher } from '../harness/run.ts';

/** `script` of util-linux runs a command on a terminal of its own. Elsewhere it takes other options. */
const hasScript = process.platform === 'linux' && spawnSync('script', ['--version']).stdout?.includes('util-linux') === true;

const counter = `let count = 0;
  process.on('SIGINT', () => { if (++count === 1) setTimeout(() => { console.log('came', count); process.exit(5) }, 200) });
  setInterval(() => {}, 1e6);
  console.log(process.stdin.isTTY && process.stdout.isTTY ? 'ready' : 'no terminal');`;

describe.each(['replace', 'parent'] as const)('%s, on a terminal', (topology) => {
  // Skipped where util-linux's `script` is absent: nothing else here makes a terminal without a native module.
  it.skipIf(!hasScript)('Ctrl-C reaches the application once, and its exit code is ours', async () => {
    // The shell steps aside: it would answer for the Ctrl-C as well.
    const command = ['exec', process.execPath, launcher, 'node', '-e', counter].map((word, index) => (index === 0 ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
    const child = execa('script', ['-qec', command, '/dev/null'], {
      env: { ...cleanEnv({ OTEL_RUN_WAIT: String(topology === 'parent') }), SHELL: '/bin/sh' },
      extendEnv: false,
      reject: false,
      timeout: 20_000,
      killSignal: 'SIGKILL',
    });
    let interrupted = false;
    for await (const line of child.iterable()) {
      if (line.includes('no terminal')) break;
      if (line.includes('ready') && !interrupted) {
        interrupted = true;
        child.stdin.write('\x03');
      }
    }
    const { stdout, exitCode } = await child;
    expect({ stdout: stdout.replaceAll('\r', ''), exitCode }).toEqual({ stdout: expect.stringMatching(/^ready\n(\^C)?came 1$/), exitCode: 5 });
  });
});
