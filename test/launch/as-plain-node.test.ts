import { describe, expect, it } from 'vitest';
import { otelRun, plainNode, startOtelRun } from '../harness/run.ts';

const topologies = ['replace', 'parent'] as const;

describe.each(topologies)('%s: the application behaves as under plain node', (topology) => {
  it.each<[name: string, code: string, input?: string]>([
    ['output', 'console.log("out"); console.error("err")'],
    ['an exit code', 'process.exit(3)'],
    ['an exit code set aside', 'process.exitCode = 7'],
    ['an uncaught exception', 'setTimeout(() => { throw new Error("boom") })'],
    ['an unhandled rejection', 'Promise.reject(new Error("boom"))'],
    ['input', 'process.stdin.pipe(process.stdout)', 'a\nb'],
    ['empty input', 'process.stdin.on("end", () => console.log("end")).resume()', ''],
    ['more output than a pipe takes at once', 'process.stdout.write("x".repeat(1_000_000)); process.stderr.write("y".repeat(300_000))'],
    ['what it sees of itself', 'console.log(process.execArgv, process.argv.length, process.cwd(), process.stdin.isTTY, process.connected)'],
    ['SIGTERM', 'process.kill(process.pid, "SIGTERM"); setInterval(() => {}, 1e6)'],
    ['SIGINT', 'process.kill(process.pid, "SIGINT"); setInterval(() => {}, 1e6)'],
    ['SIGHUP', 'process.kill(process.pid, "SIGHUP"); setInterval(() => {}, 1e6)'],
    ['SIGUSR2', 'process.kill(process.pid, "SIGUSR2"); setInterval(() => {}, 1e6)'],
    ['SIGKILL', 'process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1e6)'],
  ])('%s', async (_, code, input) => {
    const args = ['-e', code];
    const given = input === undefined ? {} : { input };
    const [ours, plain] = await Promise.all([otelRun({ args: ['node', ...args], topology, ...given }), plainNode({ args, ...given })]);
    expect({ ...ours, pid: 0 }).toEqual({ ...plain, pid: 0 });
  });

  it('abort', async () => {
    const { signal, exitCode } = await otelRun({ args: ['node', '-e', 'process.abort()'], topology });
    expect({ signal, exitCode }).toEqual({ signal: 'SIGABRT', exitCode: null });
  });

  // In a session of its own: signals that a terminal sends are not forwarded while it is ours.
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGWINCH', 'SIGCONT', 'SIGUSR1'] as const)('%s reaches it once', async (signal) => {
    const code = `let count = 0;
      process.on('${signal}', () => { if (++count === 1) setTimeout(() => { console.log('came', count); process.exit(5) }, 100) });
      setInterval(() => {}, 1e6);
      console.log('ready')`;
    const program = startOtelRun({ args: ['node', '-e', code], topology, ownSession: true });
    await program.said('ready');
    program.kill(signal);
    expect(await program.ended).toMatchObject({ stdout: 'ready\ncame 1\n', stderr: '', exitCode: 5, signal: null });
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const)('%s without a handler ends it, and us by the same signal', async (signal) => {
    const program = startOtelRun({ args: ['node', '-e', 'setInterval(() => {}, 1e6); console.log("ready")'], topology, ownSession: true });
    await program.said('ready');
    program.kill(signal);
    expect(await program.ended).toMatchObject({ stderr: '', exitCode: null, signal });
  });
});

describe('who is who', () => {
  const args = ['node', '-p', 'process.pid + " " + process.ppid'];

  it('replace: the application is the process that was started', async () => {
    const { stdout, pid } = await otelRun({ args, topology: 'replace' });
    expect(stdout).toBe(`${pid} ${process.pid}\n`);
  });

  it('parent: it is a child of that process', async () => {
    const { stdout, pid } = await otelRun({ args, topology: 'parent' });
    expect(stdout).toMatch(new RegExp(`^\\d+ ${pid}\n$`));
    expect(stdout).not.toBe(`${pid} ${process.pid}\n`);
  });

  it('a program that is not Node is a child also where replace is asked for, and SIGPIPE ends it', async () => {
    const { stdout } = await otelRun({ args: ['sh', '-c', 'yes | head -1; echo $PPID'], topology: 'replace' });
    expect(stdout).toMatch(/^y\n\d+\n$/);
  });
});
