import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { otelRun } from '../harness/run.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'otel-run-dry-'));
  writeFileSync(join(dir, 'package.json'), '{"name":"shop"}');
  writeFileSync(join(dir, 'otel-run.config.yaml'), 'service:\n  name: from-file\n');
  writeFileSync(join(dir, 'token'), 'hidden-in-file');
});
afterAll(() => rmSync(dir, { recursive: true }));

const secrets = {
  OTEL_EXPORTER_OTLP_HEADERS: 'authorization=hidden-in-env',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'https://user:hidden-in-url@collector.example:4318/base',
};
const args = ['--dry-run', '--header', 'x-token=@token', '--header', 'x-flag=hidden-flag', 'node', '-e', 'console.log("it ran")'];

interface Shown {
  readonly settings: { readonly setting: string; readonly value: string; readonly origin: string }[];
  readonly problems: { readonly message: string }[];
  readonly plan: { readonly topology: string; readonly start: string; readonly reason: string; readonly [key: string]: unknown };
}
const showJson = async (options: Partial<Parameters<typeof otelRun>[0]>): Promise<Shown> => {
  const { stdout } = await otelRun({ args: ['--json', ...args], cwd: dir, ...options });
  return JSON.parse(stdout) as Shown;
};

describe('--dry-run', () => {
  it('starts nothing, makes nothing, and shows no secret', async () => {
    const spool = mkdtempSync(join(dir, 'spool-'));
    for (const form of [args, ['--json', ...args]]) {
      const { stdout, stderr, exitCode } = await otelRun({ args: form, env: { ...secrets, OTEL_RUN_SPOOL_DIR: spool }, cwd: dir });
      expect(exitCode).toBe(0);
      expect(stdout).not.toMatch(/^it ran/m);
      // The literal header was given on the command line: the line that says so names the header alone.
      expect(stdout + stderr).not.toMatch(/hidden-/);
      expect(stdout).toContain('https://collector.example:4318/base/v1/traces');
      expect(stdout).toMatch(/authorization.*x-token.*x-flag/s);
    }
    expect(readdirSync(spool)).toEqual([]);
  });

  it('names the origin of each setting', async () => {
    const { settings } = await showJson({ env: { ...secrets, OTEL_TRACES_SAMPLER: 'always_off' } });
    const origins = Object.fromEntries(settings.map(({ setting, value, origin }) => [setting, `${value} <- ${origin}`]));
    expect(origins).toMatchObject({
      'service.name': expect.stringMatching(/^from-file <- .*otel-run\.config\.yaml:2/),
      'traces.sampler': 'always_off <- OTEL_TRACES_SAMPLER',
      'otlp.headers.x-token': '*** <- --header',
      'batch.delay': expect.stringMatching(/<- default$/),
    });
  });

  it('prints settings and the plan in columns', async () => {
    const { stdout } = await otelRun({ args, env: secrets, cwd: dir });
    expect(stdout).toMatch(/^settings\n {2}service\.name +from-file +.*otel-run\.config\.yaml:2/);
    expect(stdout).toMatch(/\n {2}\d+ by default \(--verbose lists them\)\nplan\n/);
    expect(stdout).not.toMatch(/batch\.delay/);
    expect((await otelRun({ args: ['--verbose', ...args], env: secrets, cwd: dir })).stdout).toMatch(/\n {2}batch\.delay +1000 +default\n/);
    expect(stdout).toMatch(/\nplan\n {2}command +\S+\/node -e "console\.log\(\\"it ran\\"\)"\n {2}topology +(replace|parent) \(otel-run .*\): .+\n/);
    expect(stdout).toMatch(/\n {2}withheld +OTEL_EXPORTER_OTLP_.*\n$/);
  });

  it.each<[what: string, flags: string[], line: RegExp]>([
    ['sends no log records', [], /\n {2}logs +are not sent \(--logs otlp\): most platforms collect stdout already, and you would pay twice\n/],
    ['sends log records', ['--logs', 'otlp'], /\n {2}logs +are sent; where the platform collects stdout too, you pay twice\n/],
    ['waits', ['--wait'], /\n {2}SIGTERM +is handed on at once: an application without a handler ends, also in a container; --term-delay gives it time\n/],
    ['waits, and gives it time', ['--term-delay', '10'], /\n {2}SIGTERM +is handed on after 10 s, a second one at once \(--term-delay\)\n/],
    ['becomes the application', [], /\n {2}SIGTERM +sent to this process is the application's own, as under plain node\n/],
  ])('says what follows where it %s', async (_, flags, line) => {
    expect((await otelRun({ args: [...flags, ...args], env: flags.length === 0 ? { OTEL_RUN_WAIT: 'false' } : {}, cwd: dir })).stdout).toMatch(line);
  });

  it.each<[env: Record<string, string>, flags: string[], topology: string, reason: RegExp]>([
    [{ OTEL_RUN_WAIT: 'false' }, [], 'replace', /OTEL_RUN_WAIT=false/],
    [{}, ['--wait'], 'parent', /--wait/],
    [{}, ['--print'], 'parent', /--print/],
    [{}, ['--in-process'], 'in-process', /--in-process/],
    [{}, ['--traces', 'none'], 'in-process', /nothing is exported/],
    [{ LISTEN_FDS: '1' }, [], 'parent', /LISTEN_FDS/],
    [{ KUBERNETES_SERVICE_HOST: '10.0.0.1' }, [], 'parent', /container/],
    [{ OTEL_SDK_DISABLED: 'true' }, [], 'off', /OTEL_SDK_DISABLED/],
    [{ OTEL_RUN_DISABLED: '1' }, [], 'off', /OTEL_RUN_DISABLED/],
    [{ OTEL_RUN_DISABLED: 'yes' }, [], 'off', /OTEL_RUN_DISABLED/],
  ])('%j %j: %s', async (env, flags, topology, reason) => {
    const { plan } = await showJson({ args: [...flags, '--json', ...args], env });
    expect(plan).toMatchObject({ topology, reason: expect.stringMatching(reason) });
  });

  it('says where what cannot be sent is kept, or why it is not', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h:4318', OTEL_RUN_KEEP: '' };
    const stateDir = join(dir, 'package.json', 'state');
    expect((await otelRun({ args, env: { ...env, OTEL_RUN_KEEP: 'true', OTEL_RUN_STATE_DIR: dir }, cwd: dir })).stdout).toMatch(new RegExp(`\n {2}kept in +${dir}\n`));
    expect((await otelRun({ args, env: { ...env, OTEL_RUN_STATE_DIR: stateDir }, cwd: dir })).stdout).toMatch(new RegExp(`\n {2}not kept +${stateDir} cannot be made \\(ENOTDIR\\): name a folder in OTEL_RUN_STATE_DIR\n`));
  });

  it('repeats what is wrong', async () => {
    const { problems } = await showJson({ env: { OTEL_TRACES_SAMPLER: 'sometimes' } });
    expect(problems.map(({ message }) => message)).toEqual([expect.stringMatching(/x-flag/), expect.stringMatching(/OTEL_TRACES_SAMPLER.*sometimes/)]);
  });
});
