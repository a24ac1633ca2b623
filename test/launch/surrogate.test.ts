/** Parent topology: what the process that was started is, its child must be taken for. */
import { execa } from 'execa';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { cleanEnv, launcher } from '../harness/run.ts';

/** Runs a shell's script; `run` in it is otel-run on the newest Node of the tests, in the parent topology. */
async function shell(script: string, cwd = tmpdir()): Promise<{ stdout: string; stderr: string; exitCode?: number; signal?: string }> {
  const { stdout, stderr, exitCode, signal } = await execa('sh', ['-c', `run() { exec "${process.execPath}" "${launcher}" "$@"; }\n${script}`], {
    env: cleanEnv({ OTEL_RUN_WAIT: 'true' }),
    extendEnv: false,
    reject: false,
    cwd,
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  return { stdout: stdout!, stderr: stderr!, ...(exitCode === undefined ? {} : { exitCode }), ...(signal === undefined ? {} : { signal }) };
}

const show = 'console.log(process.env.LISTEN_PID === String(process.pid), process.env.WATCHDOG_PID === String(process.pid), process.env.LISTEN_FDS, process.env.LISTEN_PIDFDID, require("node:fs").readFileSync(3, "utf8").trim(), process.argv.slice(1).join("|"))';

it.each([
  ['a Node program', `run node -e '${show}' "two words" '$three'`],
  ['another command that starts one', `run sh -c 'exec node -e "$0" "$@"' '${show}' "two words" '$three'`],
])('sockets and watchdog that systemd means for the process that it started are those of %s', async (_, command) => {
  const script = `exec 3<<EOF\nthe socket\nEOF\nexport LISTEN_FDS=1 LISTEN_PIDFDID=7 LISTEN_PID=$$ WATCHDOG_PID=$$; ${command}`;
  expect(await shell(script)).toEqual({ stdout: 'true true 1 undefined the socket two words|$three', stderr: '', exitCode: 0 });
});

it('variables that a shell cannot name are handed on as well', async () => {
  const script = `exec 3<<EOF\nx\nEOF\nexport LISTEN_FDS=1 LISTEN_PID=$$; exec env 'odd.name=1' 'npm_config_@a:b=c d' "${process.execPath}" "${launcher}" node -p 'process.env["odd.name"] + process.env["npm_config_@a:b"] + (process.env.LISTEN_PID === String(process.pid))'`;
  expect(await shell(script)).toEqual({ stdout: '1c dtrue', stderr: '', exitCode: 0 });
});

it('what is meant for another process stays as it is', async () => {
  const script = `export LISTEN_PID=1; run node -p 'process.env.LISTEN_PID'`;
  expect(await shell(script)).toEqual({ stdout: '1', stderr: '', exitCode: 0 });
});

// Where the kernel hands core files to a program, none is to be seen here.
const writesCores = existsSync('/proc/sys/kernel/core_pattern') && readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim() === 'core';

it.skipIf(!writesCores)('an application that dumps core leaves one core file, and ends otel-run by the same signal', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'otel-run-core-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  // A file of 4 KiB at most is enough to be counted.
  const script = `ulimit -c 8; run sh -c 'kill -ABRT $$'`;
  expect(await shell(script, dir)).toMatchObject({ signal: 'SIGABRT' });
  expect(readdirSync(dir).filter((name) => name.startsWith('core'))).toHaveLength(1);
  const [before] = readdirSync(dir);
  rmSync(join(dir, before!));
  expect(await shell(`ulimit -c 8; exec sh -c 'kill -ABRT $$'`, dir)).toMatchObject({ signal: 'SIGABRT' });
  expect(readdirSync(dir).filter((name) => name.startsWith('core'))).toHaveLength(1);
});
