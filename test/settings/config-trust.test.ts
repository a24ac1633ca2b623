import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { makeProject, read } from './project.ts';

const yaml = 'environment: found\n';
const isRoot = process.getuid?.() === 0;

test('a file that others may write is not used when it was found', async () => {
  const cwd = makeProject({ 'otel-run.config.yaml': yaml, '.otel-runrc': 'environment: next\n' });
  chmodSync(join(cwd, 'otel-run.config.yaml'), 0o666);
  const { environment, problems } = await read({ cwd });
  expect(environment.value).toBe('next');
  expect(problems).toMatchObject([{ message: `otel-run.config.yaml: others may write '${join(cwd, 'otel-run.config.yaml')}'; it is not used`, strict: false }]);
});

test('it is used, with a line, when it was named', async () => {
  const cwd = makeProject({ 'otel-run.config.yaml': yaml });
  chmodSync(join(cwd, 'otel-run.config.yaml'), 0o666);
  const { environment, problems } = await read({ cwd, flags: { config: 'otel-run.config.yaml' } });
  expect(environment.value).toBe('found');
  expect(problems).toMatchObject([{ message: expect.stringMatching(/^--config: others may write '.*'; it is used because it was named$/) as unknown, strict: false }]);
});

test('a key in package.json is no exception', async () => {
  const cwd = makeProject({ 'package.json': '{ "otel-run": { "environment": "found" } }' });
  chmodSync(join(cwd, 'package.json'), 0o666);
  expect((await read({ cwd })).environment.value).toBeNull();
});

test('a file in a folder that others may write is not used', async () => {
  const cwd = makeProject({ '.config/otel-run.yaml': yaml });
  chmodSync(join(cwd, '.config'), 0o777);
  const { environment, problems } = await read({ cwd });
  expect(environment.value).toBeNull();
  expect(problems).toMatchObject([{ message: expect.stringMatching(/^otel-run\.yaml: others may write '.*'; it is not used$/) as unknown, hint: expect.stringContaining('chmod o-w') as unknown }]);
});

test('in a sticky folder our own file is used', async () => {
  const cwd = makeProject({ 'otel-run.config.yaml': yaml });
  chmodSync(cwd, 0o1777);
  const settings = await read({ cwd });
  expect([settings.environment.value, settings.problems]).toEqual(['found', []]);
});

test.runIf(isRoot)('in a sticky folder a file that another user made is not used (root: only it can make one)', async () => {
  const cwd = makeProject({ 'otel-run.config.yaml': yaml });
  chmodSync(cwd, 0o1777);
  chownSync(join(cwd, 'otel-run.config.yaml'), 65_534, 65_534);
  expect((await read({ cwd })).environment.value).toBeNull();
});

test.runIf(isRoot)('a file of another owner is normal elsewhere (root: only it can make one)', async () => {
  const cwd = makeProject({ 'otel-run.config.yaml': yaml });
  chownSync(join(cwd, 'otel-run.config.yaml'), 65_534, 65_534);
  expect((await read({ cwd })).environment.value).toBe('found');
});

/** Reads as another user, in a process of its own: a file that root may not read or write does not exist. */
function readAsNobody(cwd: string): { environment: string | null; lines: string[] } {
  // The process changes over by itself: that user may not be able to reach the Node that runs the tests.
  const script = `const { readSettings } = await import(${JSON.stringify(resolve(import.meta.dirname, '../../src/settings/read.ts'))});
    if (${isRoot}) { process.setgroups([]); process.setgid(65_534); process.setuid(65_534); }
    const { environment, problems } = await readSettings({ flags: {}, env: {}, cwd: ${JSON.stringify(cwd)} });
    console.log(JSON.stringify({ environment: environment.value, lines: problems.map(({ message }) => message) }));`;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })) as ReturnType<typeof readAsNobody>;
}

test('what this process cannot write either is safe, whatever the mode of its folder says', () => {
  const cwd = makeProject({ 'otel-run.config.yaml': yaml });
  if (!isRoot) chmodSync(join(cwd, 'otel-run.config.yaml'), 0o446);
  else {
    // 0o642: others may write, but this user, being of the group, may not.
    chownSync(join(cwd, 'otel-run.config.yaml'), 0, 65_534);
    chmodSync(join(cwd, 'otel-run.config.yaml'), 0o642);
  }
  expect(readAsNobody(cwd)).toEqual({ environment: 'found', lines: [] });
});

test('a file that cannot be read is said', () => {
  const cwd = makeProject({ 'otel-run.config.yaml': yaml });
  chmodSync(join(cwd, 'otel-run.config.yaml'), 0o200);
  expect(readAsNobody(cwd)).toEqual({ environment: null, lines: ['otel-run.config.yaml: cannot be read (EACCES); it is not used'] });
});

test('a file of more than 1 MiB is not read', async () => {
  const cwd = makeProject({ 'otel-run.config.yaml': `${yaml}#${'x'.repeat(1024 * 1024)}\n` });
  const { environment, problems } = await read({ cwd });
  expect(environment.value).toBeNull();
  expect(problems).toMatchObject([{ message: 'otel-run.config.yaml: is larger than 1 MiB; it is not used', strict: true }]);
});

test('a pipe is not waited for', async () => {
  const cwd = makeProject();
  execFileSync('mkfifo', [join(cwd, 'otel-run.config.yaml')]);
  expect((await read({ cwd })).problems).toMatchObject([{ message: 'otel-run.config.yaml: is no regular file; it is not used' }]);
});

test('a folder of that name, and a working directory that is gone, are no trouble', async () => {
  const cwd = makeProject();
  mkdirSync(join(cwd, 'otel-run.config.yaml'));
  writeFileSync(join(cwd, '.otel-runrc'), yaml);
  expect((await read({ cwd })).environment.value).toBe('found');
  expect((await read({ cwd: join(cwd, 'gone') })).environment.value).toBe('found');
});
