import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launcher as launcherPath, otelRun, plainNode } from '../harness/run.ts';

const topologies = ['replace', 'parent'] as const;
const showEnv = ['node', '-p', 'JSON.stringify(process.env)'];
const secrets = {
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
  OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20hidden',
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-token=hidden',
  // Nothing is to be sent, and nobody waits for a backend that is not there.
  OTEL_RUN_DRAIN_UNREACHED: '1',
};

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'otel-run-env-'));
  for (const [name, dependencies] of [['plain', {}], ['own-sdk', { '@opentelemetry/sdk-node': '*' }]] as const) {
    mkdirSync(join(dir, name));
    writeFileSync(join(dir, name, 'package.json'), JSON.stringify({ name, dependencies }));
    writeFileSync(join(dir, name, 'main.js'), 'console.log(JSON.stringify(process.env))');
  }
});
afterAll(() => rmSync(dir, { recursive: true }));

describe.each(topologies)('%s: the environment of the application', (topology) => {
  const envOf = async (options: Partial<Parameters<typeof otelRun>[0]>): Promise<Record<string, string>> => {
    const { stdout } = await otelRun({ args: showEnv, topology, ...options });
    return JSON.parse(stdout) as Record<string, string>;
  };

  it('is what it was, with the agent added', async () => {
    const env = { KEPT: 'a=b "c" \n', EMPTY: '', NODE_OPTIONS: '--max-old-space-size=321' };
    const { NODE_OPTIONS, OTEL_RUN_PLAN, OTEL_RUN_WAIT, ...rest } = await envOf({ env });
    const plain = await plainNode({ args: showEnv.slice(1), env });
    const { NODE_OPTIONS: _, ...before } = JSON.parse(plain.stdout) as Record<string, string>;
    expect(rest).toEqual(before);
    expect(NODE_OPTIONS).toMatch(/^--require \S+\/register\.js --max-old-space-size=321$/);
    expect(JSON.parse(OTEL_RUN_PLAN!)).toMatchObject({ version: 1, handOff: { kind: 'spool' } });
    expect(OTEL_RUN_WAIT).toBe(String(topology === 'parent'));
  });

  it('holds no credentials of the backend, under any name', async () => {
    const env = await envOf({ args: ['--header', 'x-flag=hidden', ...showEnv], env: secrets, cwd: join(dir, 'plain') });
    expect(JSON.stringify(env)).not.toContain('hidden');
    expect(env.OTEL_EXPORTER_OTLP_ENDPOINT).toBe(secrets.OTEL_EXPORTER_OTLP_ENDPOINT);
  });

  it.each<[name: string, options: Partial<Parameters<typeof otelRun>[0]>]>([
    ['--keep-env', { args: ['--keep-env', ...showEnv] }],
    ['OTEL_RUN_KEEP_ENV', { env: { ...secrets, OTEL_RUN_KEEP_ENV: 'true' } }],
    ['an SDK among its packages', { cwd: 'own-sdk' }],
    ['an SDK among the packages of the script', { cwd: 'plain', args: ['node', '../own-sdk/main.js'] }],
  ])('keeps them with %s', async (_, { cwd = 'plain', ...options }) => {
    const env = await envOf({ env: secrets, ...options, cwd: join(dir, cwd) });
    expect(env).toMatchObject(secrets);
  });

  it('OTEL_RUN_DISABLED: is untouched, and no config file is read', async () => {
    const cwd = join(dir, 'plain');
    const env = { ...secrets, OTEL_RUN_DISABLED: '1', OTEL_RUN_CONFIG: '/absent.yaml', NODE_OPTIONS: '--trace-warnings' };
    const plain = await plainNode({ args: showEnv.slice(1), env: { ...env, OTEL_RUN_WAIT: String(topology === 'parent') }, cwd });
    const { stdout, stderr, exitCode } = await otelRun({ args: showEnv, env, cwd, topology });
    expect({ env: JSON.parse(stdout) as unknown, stderr, exitCode }).toEqual({ env: JSON.parse(plain.stdout), stderr: '', exitCode: 0 });
  });

  it('OTEL_SDK_DISABLED: is untouched, and settings are checked', async () => {
    const cwd = join(dir, 'plain');
    const env = { ...secrets, OTEL_SDK_DISABLED: 'TRUE', OTEL_TRACES_SAMPLER: 'sometimes' };
    const { stdout, stderr } = await otelRun({ args: showEnv, env, cwd, topology });
    expect(JSON.parse(stdout)).toMatchObject(env);
    expect(JSON.parse(stdout)).not.toHaveProperty('OTEL_RUN_PLAN');
    expect(stderr).toMatch(/^otel-run: OTEL_TRACES_SAMPLER.*sometimes.*\n$/);
  });

  it('an otel-run inside hands over to the one around it, and is preloaded once', async () => {
    const outer = 'console.log(process.env.OTEL_RUN_PLAN); ';
    const inner = `require('node:child_process').spawnSync(process.execPath, [${JSON.stringify(launcherPath)}, '--service-name', 'inner', 'node', '-p', 'process.env.OTEL_RUN_PLAN + "\\\\n" + process.env.NODE_OPTIONS'], { stdio: 'inherit' })`;
    const { stdout, stderr } = await otelRun({ args: ['--service-name', 'outer', 'node', '-e', outer + inner], topology });
    const [first = '', second = '', nodeOptions = ''] = stdout.split('\n');
    const [outerPlan, innerPlan] = [JSON.parse(first), JSON.parse(second)] as [Record<string, unknown>, Record<string, unknown>];
    expect(innerPlan).toMatchObject({ run: outerPlan.run, handOff: outerPlan.handOff, serviceName: 'inner' });
    expect(nodeOptions.match(/--require/g)).toHaveLength(1);
    expect(stderr).toBe('');
  });

  it('NODE_OPTIONS of the user are for the application: the inspector', async () => {
    const { stdout, exitCode } = await otelRun({
      args: ['node', '-p', 'require("node:inspector").url()'],
      env: { NODE_OPTIONS: '--inspect=0' },
      topology,
    });
    expect({ stdout, exitCode }).toEqual({ stdout: expect.stringMatching(/^ws:\/\/127\.0\.0\.1:\d+\//), exitCode: 0 });
  });

  it('NODE_OPTIONS of the user are for the application: coverage', async () => {
    const coverage = join(dir, `coverage-${topology}`);
    await otelRun({ args: ['node', '-e', '0'], env: { NODE_V8_COVERAGE: coverage }, topology });
    expect(readdirSync(coverage)).toHaveLength(1);
  });

  it('NODE_OPTIONS of the user are for the application: a fixed inspector port', async () => {
    const port = 20_000 + (process.pid % 10_000) + (topology === 'parent' ? 1 : 0);
    const { stdout, stderr } = await otelRun({
      args: ['node', '-p', 'require("node:inspector").url()'],
      env: { NODE_OPTIONS: `--inspect=127.0.0.1:${port}` },
      topology,
    });
    expect(stdout).toMatch(new RegExp(`^ws://127\\.0\\.0\\.1:${port}/`));
    expect(stderr).not.toContain('address already in use');
  });
});
