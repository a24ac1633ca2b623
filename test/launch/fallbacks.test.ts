import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { launcher, otelRun } from '../harness/run.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'otel-run-fallbacks-'));
  mkdirSync(join(dir, 'spool'));
  for (const [name, text] of [
    ['node', 'echo a shell script named node; echo "$@"'],
    ['bad-interpreter', '#!/absent/node\n'],
    ['no-first-line', 'echo no first line'],
  ] as const) {
    writeFileSync(join(dir, name), text);
    chmodSync(join(dir, name), 0o755);
  }
});
afterAll(() => rmSync(dir, { recursive: true }));

describe.each(['replace', 'parent'] as const)('%s asked for', (topology) => {
  // Node 22 and 24 abort where execve fails: each of these must be seen before it is tried.
  it('a program whose interpreter is missing is not found, and leaves nothing behind', async () => {
    const env = { OTEL_RUN_SPOOL_DIR: join(dir, 'spool') };
    const { exitCode, signal, stderr } = await otelRun({ args: ['./bad-interpreter'], cwd: dir, env, topology });
    expect({ exitCode, signal, stderr }).toEqual({ exitCode: 127, signal: null, stderr: expect.stringMatching(/^otel-run: \.\/bad-interpreter: .*\n$/) });
    expect(readdirSync(join(dir, 'spool'), { recursive: true }).filter((name) => String(name).includes('/'))).toEqual([]);
  });

  it('a text file named node is run as a shell would', async () => {
    const { stdout } = await otelRun({ args: ['./node', 'x'], cwd: dir, topology });
    expect(stdout).toBe('a shell script named node\nx\n');
  });

  it('a script without a first line is run as a shell would', async () => {
    const { stdout } = await otelRun({ args: ['./no-first-line'], cwd: dir, topology });
    expect(stdout).toBe('no first line\n');
  });

  it('a long command line is handed on whole', async () => {
    const words = Array.from({ length: 13 }, (_, index) => String.fromCharCode(97 + index).repeat(100_000));
    const { stdout, stderr } = await otelRun({ args: ['node', '-p', 'process.argv.slice(1).join("").length', ...words], topology });
    expect({ stdout, stderr }).toEqual({ stdout: '1300000\n', stderr: '' });
  });

  it('a spool that cannot be made costs the telemetry and not the application', async () => {
    writeFileSync(join(dir, 'file'), '');
    const env = { OTEL_RUN_SPOOL_DIR: join(dir, 'file') };
    const { stdout, stderr, exitCode } = await otelRun({ args: ['node', '-p', 'process.env.OTEL_RUN_PLAN'], env, topology });
    expect({ stdout, exitCode }).toEqual({ stdout: 'undefined\n', exitCode: 0 });
    expect(stderr).toMatch(/^otel-run: the application runs without telemetry: .*\n$/);
  });
});

describe.each(['replace', 'parent'] as const)('%s asked for, with an incomplete installation', (topology) => {
  it.each(['dist/agent/register.js', 'dist/agent/agent.js', 'dist/agent'])('without %s the application runs, and a line says why', async (missing) => {
    const installed = mkdtempSync(join(tmpdir(), 'otel-run-incomplete-'));
    onTestFinished(() => rmSync(installed, { recursive: true }));
    // Readable by all, as installations are: of one that is not, a root has a copy by now, which is whole.
    chmodSync(installed, 0o755);
    for (const part of ['bin', 'dist', 'package.json']) cpSync(join(root, part), join(installed, part), { recursive: true });
    rmSync(join(installed, missing), { recursive: true });
    const result = await otelRun({ args: ['node', '-e', 'console.log("runs"); process.exitCode = 3'], topology, launcher: join(installed, 'bin/otel-run.js') });
    expect(result).toMatchObject({ stdout: 'runs\n', exitCode: 3 });
    expect(result.stderr).toMatch(/^otel-run: .*(?:without telemetry|not traced).*\n$/);
  });
});

const namespaces = ['-Urpf', '--mount-proc'];
const canUnshare = spawnSync('unshare', [...namespaces, 'true']).status === 0;

// Skipped where the kernel does not let this user make namespaces: nothing else makes a process number 1.
describe.skipIf(!canUnshare)('as process 1', () => {
  it.each<[code: string, exitCode: number]>([
    ['process.exit(3)', 3],
    ['process.kill(process.pid, "SIGTERM"); setInterval(() => {}, 1e6)', 143],
    ['process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1e6)', 137],
  ])('%s ends it with %i', (code, exitCode) => {
    const { status, stderr } = spawnSync('unshare', [...namespaces, process.execPath, launcher, process.execPath, '-e', code], {
      env: { ...process.env, OTEL_RUN_WAIT: 'true', OTEL_TRACES_EXPORTER: '' },
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect({ status, stderr }).toEqual({ status: exitCode, stderr: '' });
  });
});
