/** As the first process of a PID namespace, which is what the first process of a container is. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cleanEnv, launcher, startPlainNode } from '../harness/run.ts';

const namespaces = ['-Urpf', '--mount-proc'];
const canUnshare = spawnSync('unshare', [...namespaces, 'true']).status === 0;
const node = process.execPath;

interface Ending {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs words as process 1, and sends it a signal when it has said `ready`. */
async function asProcessOne(words: readonly string[], wait: boolean, signal: NodeJS.Signals | null = null): Promise<Ending> {
  const child = spawn('unshare', [...namespaces, ...words], { env: cleanEnv({ OTEL_RUN_WAIT: String(wait), OTEL_RUN_DRAIN_UNREACHED: '1' }), stdio: ['ignore', 'pipe', 'pipe'] });
  const deadline = setTimeout(() => child.kill('SIGKILL'), 20_000);
  const output = { stdout: '', stderr: '' };
  let signalled = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
    if (signalled || signal === null || !output.stdout.includes('ready')) return;
    signalled = true;
    const [first] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'latin1').trim().split(' ');
    process.kill(Number(first), signal);
  });
  const [exitCode] = (await once(child, 'close')) as [number | null];
  clearTimeout(deadline);
  return { ...output, exitCode };
}

const withHandler = (signal: string): string =>
  `process.on('${signal}', () => { console.log('told'); process.exit(6) }); setInterval(() => {}, 1e6); console.log('ready')`;
const withoutHandler = "setInterval(() => {}, 1e6); console.log('ready')";

// Skipped where the kernel does not let this user make namespaces: nothing else makes a process number 1.
describe.skipIf(!canUnshare)('as process 1', () => {
  // An init in front (tini, `docker run --init`) hands the signal on and ends with 128 + n.
  it.each([
    ['SIGTERM', 'with a handler', withHandler('SIGTERM')],
    ['SIGTERM', 'without a handler', withoutHandler],
    ['SIGINT', 'without a handler', withoutHandler],
  ] as const)('%s: a service %s ends as plain node behind an init', async (signal, _, code) => {
    const plain = startPlainNode({ args: ['-e', code] });
    await plain.said('ready');
    plain.kill(signal);
    const expected = await plain.ended;
    const ours = await asProcessOne([node, launcher, 'node', '-e', code], true, signal);
    const exitCode = expected.exitCode ?? 128 + { SIGTERM: 15, SIGINT: 2 }[signal];
    expect(ours).toEqual({ stdout: expected.stdout, stderr: expected.stderr, exitCode });
  });

  it('replace, where it is asked for: the application is process 1, as plain node is', async () => {
    const code = withHandler('SIGTERM').replace("'ready'", "'ready', process.pid");
    const [ours, plain] = await Promise.all([
      asProcessOne([node, launcher, 'node', '-e', code], false, 'SIGTERM'),
      asProcessOne([node, '-e', code], false, 'SIGTERM'),
    ]);
    expect(plain).toEqual({ stdout: 'ready 1\ntold\n', stderr: '', exitCode: 6 });
    expect(ours).toEqual(plain);
  });

  // Node waits for its own children alone. With this the docs say what to do about it.
  it('orphans stay zombies, as under plain node, and with an init in front none does', async () => {
    const code = `const fs = require('node:fs');
      const states = () => fs.readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).flatMap((pid) => {
        try { const stat = fs.readFileSync('/proc/' + pid + '/stat', 'latin1'); return stat.includes('(sleep)') ? [stat.slice(stat.lastIndexOf(')') + 2)[0]] : [] } catch { return [] }
      });
      require('node:child_process').spawn('sh', ['-c', 'for i in 1 2 3; do sleep 0.2 & done']).on('close', () => {
        const timer = setInterval(() => { if (states().every((state) => state === 'Z')) { clearInterval(timer); console.log('zombies', states().length) } }, 50);
      });`;
    const [ours, plain, behindInit] = await Promise.all([
      asProcessOne([node, launcher, 'node', '-e', code], true),
      asProcessOne([node, '-e', code], true),
      // A shell that waits is as good an init here: it takes the end of any child.
      asProcessOne(['sh', '-c', '"$@"; exit $?', 'sh', node, launcher, 'node', '-e', code], true),
    ]);
    expect(plain.stdout).toBe('zombies 3\n');
    expect(ours.stdout).toBe('zombies 3\n');
    expect(behindInit.stdout).toBe('zombies 0\n');
  });
});
