/** Parent topology: each signal reaches the application once, wherever it was sent to. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { childrenOf, isAlive, readProc, statOf } from '../harness/processes.ts';
import { cleanEnv, launcher, startOtelRun, type RunningProgram } from '../harness/run.ts';
import { startReceiver } from '../harness/receiver.ts';
import { until } from '../export/room.ts';

/** Says how often the signals came that it handles, a while behind the last one. */
const counter = (signals: readonly string[]): string => `
  const counts = {};
  let timer;
  for (const signal of ${JSON.stringify(signals)}) {
    process.on(signal, () => {
      counts[signal] = (counts[signal] ?? 0) + 1;
      clearTimeout(timer);
      timer = setTimeout(() => { console.log(JSON.stringify(counts)); process.exit(5) }, 300);
    });
  }
  setInterval(() => {}, 1e6);
  console.log('ready');`;

function start(code: string, env: Record<string, string> = {}): RunningProgram {
  return startOtelRun({ args: ['node', '-e', code], topology: 'parent', ownSession: true, env });
}

/** The process in otel-run's group that tells which signals the group was sent. */
const witnessOf = (pid: number): number | undefined => childrenOf(pid).find((child) => readProc(child, 'cmdline').startsWith('/bin/sh\0-c\0trap '));

/** It has come so far that it handles the last of its signals. */
async function hasWitness(pid: number): Promise<number> {
  await until(() => /^SigCgt:\s*[0-9a-f]*[2367abef][0-9a-f]{4}$/m.test(readProc(witnessOf(pid) ?? 0, 'status')), 'the witness');
  return witnessOf(pid)!;
}

describe.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const)('%s', (signal) => {
  it('sent to the process group reaches the application once', async () => {
    const program = start(counter([signal]));
    await program.said('ready');
    await hasWitness(program.pid);
    process.kill(-program.pid, signal);
    expect(await program.ended).toMatchObject({ stdout: `ready\n{"${signal}":1}\n`, stderr: '', exitCode: 5 });
  });

  it('sent to otel-run alone reaches it once', async () => {
    const program = start(counter([signal]));
    await program.said('ready');
    await hasWitness(program.pid);
    program.kill(signal);
    expect(await program.ended).toMatchObject({ stdout: `ready\n{"${signal}":1}\n`, stderr: '', exitCode: 5 });
  });
});

it('a signal to the group and a later one to otel-run alone are two', async () => {
  const program = start(counter(['SIGUSR2', 'SIGTERM']));
  await program.said('ready');
  await hasWitness(program.pid);
  process.kill(-program.pid, 'SIGUSR2');
  await new Promise((resolve) => setTimeout(resolve, 50)); // two signals of a person, not of one instant
  program.kill('SIGTERM');
  expect((await program.ended).stdout).toBe('ready\n{"SIGUSR2":1,"SIGTERM":1}\n');
});

it('what comes to one process of a unit after the other, as systemd sends SIGTERM and SIGCONT, comes once each', async () => {
  const program = start(counter(['SIGTERM', 'SIGCONT']));
  await program.said('ready');
  await hasWitness(program.pid);
  // Stopped, it hears of all at one moment, however busy the machine is.
  program.kill('SIGSTOP');
  await until(() => statOf(program.pid)?.state === 'T', 'the stop');
  for (const pid of [...childrenOf(program.pid), program.pid]) for (const signal of ['SIGTERM', 'SIGCONT']) process.kill(pid, signal);
  const { stdout } = await program.ended;
  expect(stdout).toMatch(/^ready\n\{"SIG(TERM|CONT)":1,"SIG(TERM|CONT)":1\}\n$/);
});

it('a witness that was killed is replaced', async () => {
  const program = start(counter(['SIGTERM']));
  await program.said('ready');
  const first = await hasWitness(program.pid);
  process.kill(first, 'SIGKILL');
  await until(() => ![first, undefined].includes(witnessOf(program.pid)), 'another witness');
  await hasWitness(program.pid);
  process.kill(-program.pid, 'SIGTERM');
  expect((await program.ended).stdout).toBe('ready\n{"SIGTERM":1}\n');
});

it('the witness ends with a killed otel-run', async () => {
  const program = start('setInterval(() => {}, 1e6); console.log("ready", process.pid)');
  await program.said(/ready \d+/);
  const witness = await hasWitness(program.pid);
  program.kill('SIGKILL');
  await until(() => !isAlive(witness), 'the end of the witness');
  // The application lives on, as that of a killed shell does.
  process.kill(-program.pid, 'SIGKILL');
  await program.ended;
});

it('the witness holds no descriptor and no working directory of the application', async () => {
  const stdio = Array.from({ length: 41 }, (_, fd) => (fd === 1 || fd === 40 ? 'pipe' : 'ignore') as 'pipe' | 'ignore');
  const child = spawn(process.execPath, [launcher, 'node', '-e', 'setInterval(() => {}, 1e6); console.log("ready")'], { env: cleanEnv({ OTEL_RUN_WAIT: 'true' }), stdio });
  const witness = await hasWitness(child.pid!);
  expect(readdirSync(`/proc/${witness}/fd`).filter((fd) => Number(fd) > 2 && readlinkSync(`/proc/${witness}/fd/${fd}`) !== '/dev/null')).toEqual([]);
  expect(readlinkSync(`/proc/${witness}/cwd`)).toBe('/');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
});

describe('--term-delay', () => {
  const noticing = 'const since = Date.now(); process.on("SIGTERM", () => { console.log(Date.now() - at >= 900 ? "later" : "at once"); process.exit(0) }); let at = Infinity; process.on("SIGUSR2", () => { at = Date.now(); console.log("sent") }); setInterval(() => {}, 1e6); console.log("ready")';

  it('passes the first SIGTERM on behind so many seconds', async () => {
    const program = start(noticing, { OTEL_RUN_TERM_DELAY: '1' });
    await program.said('ready');
    program.kill('SIGUSR2');
    await program.said('sent');
    program.kill('SIGTERM');
    expect(await program.ended).toMatchObject({ stdout: 'ready\nsent\nlater\n', exitCode: 0 });
  });

  it('passes a second one on at once', async () => {
    const program = start(noticing, { OTEL_RUN_TERM_DELAY: '60' });
    await program.said('ready');
    program.kill('SIGUSR2');
    await program.said('sent');
    program.kill('SIGTERM');
    program.kill('SIGTERM');
    const again = setInterval(() => killIfThere(program, 'SIGTERM'), 100); // two at one instant are one to the kernel
    const result = await program.ended.finally(() => clearInterval(again));
    expect(result).toMatchObject({ stdout: 'ready\nsent\nat once\n', exitCode: 0 });
  });
});

it('a second Ctrl-C ends the wait for the backend, with the exit code of the application', async () => {
  const receiver = await startReceiver();
  receiver.misbehave({ kind: 'hang' });
  try {
    const code = `const { trace } = require('@opentelemetry/api');
      trace.getTracer('t').startSpan('s', { attributes: { 'test.n': 1 } }).end();
      process.on('SIGINT', () => process.exit(6));
      setInterval(() => {}, 1e6);
      console.log('ready');`;
    const program = start(code, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_RUN_DRAIN_UNREACHED: '15000', OTEL_RUN_DRAIN_BAD: '15000' });
    await program.said('ready');
    program.kill('SIGINT');
    const since = Date.now();
    await until(() => childrenOf(program.pid).every((child) => child === witnessOf(program.pid)), 'the end of the application');
    const again = setInterval(() => killIfThere(program, 'SIGINT'), 150);
    const result = await program.ended.finally(() => clearInterval(again));
    expect(result).toMatchObject({ exitCode: 6, signal: null, stderr: expect.stringMatching(/1 span/) });
    expect(Date.now() - since).toBeLessThan(8000);
  } finally {
    await receiver.close();
  }
});

function killIfThere(program: RunningProgram, signal: NodeJS.Signals): void {
  try {
    program.kill(signal);
  } catch {
    // It has ended meanwhile.
  }
}
