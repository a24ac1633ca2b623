import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, lchownSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isPrivateGroup } from '../../src/settings/trust.ts';
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

const STRANGER = 65_534;

test.runIf(isRoot)('in a container other owners are normal (root: only it can make one)', async () => {
  const cwd = makeProject({ 'otel-run.config.yaml': yaml });
  for (const path of [cwd, join(cwd, 'otel-run.config.yaml')]) {
    chownSync(path, STRANGER, STRANGER);
    chmodSync(path, 0o775);
  }
  const { environment, problems } = await read({ cwd, inContainer: true });
  expect([environment.value, problems]).toEqual(['found', []]);
});

describe.runIf(isRoot)('outside of one (root: only it can make files of others)', () => {
  const found = async (cwd: string, env: Record<string, string> = {}): Promise<[string | null, ...string[]]> => {
    const { environment, problems } = await read({ cwd, env, inContainer: false });
    return [environment.value, ...problems.map(({ message, hint }) => `${message}; ${hint}`)];
  };
  const name = 'otel-run.config.yaml';

  test.each<[string, (cwd: string) => void, RegExp]>([
    ['a file of another user', (cwd) => chownSync(join(cwd, name), STRANGER, 0), /^otel-run\.config\.yaml: '.*yaml' belongs to another user \(65534\); it is not used; make it your own, or name it: --config '\/.*yaml'$/],
    ['a folder of another user', (cwd) => chownSync(cwd, STRANGER, 0), /: '.*' belongs to another user \(65534\); it is not used/],
    ['a file that a group may write', (cwd) => (chownSync(join(cwd, name), 0, 4321), chmodSync(join(cwd, name), 0o664)), /: others of its group \(4321\) may write '.*yaml'; it is not used; chmod g-w '.*', or name it/],
    ['a folder that a group may write', (cwd) => (chownSync(cwd, 0, 4321), chmodSync(cwd, 0o775)), /: others of its group \(4321\) may write '.*'; it is not used; chmod g-w/],
    ['a link that another user made, to a file of ours', (cwd) => {
      renameSync(join(cwd, name), join(cwd, 'mine.yaml'));
      symlinkSync('mine.yaml', join(cwd, name));
      lchownSync(join(cwd, name), STRANGER, STRANGER);
    }, /: '.*' belongs to another user \(65534\); it is not used/],
    ['a link to a folder that all may write', (cwd) => {
      const elsewhere = makeProject({ 'other.yaml': yaml });
      chmodSync(elsewhere, 0o777);
      rmSync(join(cwd, name));
      symlinkSync(join(elsewhere, 'other.yaml'), join(cwd, name));
    }, /: others may write '.*'; it is not used; chmod o-w/],
    ['a folder like /tmp with a link that another user made', (cwd) => {
      chmodSync(cwd, 0o1777);
      renameSync(join(cwd, name), join(cwd, 'mine.yaml'));
      symlinkSync('mine.yaml', join(cwd, name));
      lchownSync(join(cwd, name), STRANGER, STRANGER);
    }, /; it is not used/],
  ])('%s is not used, with what to do; named it is', async (_, change, line) => {
    const cwd = makeProject({ [name]: yaml });
    change(cwd);
    expect(await found(cwd)).toEqual([null, expect.stringMatching(line)]);
    const named = await read({ cwd, flags: { config: name }, inContainer: false });
    expect(named.environment.value).toBe('found');
  });

  test('a folder that others may write counts for what is in .config too', async () => {
    const cwd = makeProject({ '.config/otel-run.yaml': yaml });
    chmodSync(cwd, 0o777);
    expect(await found(cwd)).toEqual([null, expect.stringContaining(`others may write '${cwd}'`)]);
  });

  test('a strange file further up, as in /tmp, does not reach a folder of ours', async () => {
    const cwd = makeProject({ 'otel-run.config.yaml': yaml, 'mine/work/x': '' });
    chmodSync(cwd, 0o1777);
    chownSync(join(cwd, 'otel-run.config.yaml'), STRANGER, STRANGER);
    expect(await found(join(cwd, 'mine/work'))).toEqual([null, expect.stringContaining('it is not used')]);
  });

  test('of a user who has become root by sudo it is used', async () => {
    const cwd = makeProject({ 'otel-run.config.yaml': yaml });
    for (const path of [cwd, join(cwd, 'otel-run.config.yaml')]) {
      chownSync(path, 4321, 4321);
      chmodSync(path, 0o775);
    }
    expect(await found(cwd, { SUDO_UID: '4321' })).toEqual(['found']);
    expect((await found(cwd, { SUDO_UID: '4322' }))[0]).toBeNull();
  });

  test('an ordinary user: the own file with a group of its own, and one of root, are used; one of others is not', () => {
    const cwd = makeProject({ 'otel-run.config.yaml': yaml });
    const file = join(cwd, 'otel-run.config.yaml');
    expect(readAsNobody(cwd).environment).toBe('found');
    for (const path of [cwd, file]) {
      chownSync(path, 54_321, 54_321);
      chmodSync(path, 0o775);
    }
    expect(readAsNobody(cwd, 54_321)).toEqual({ environment: 'found', lines: [] });
    expect(readAsNobody(cwd, 54_322)).toEqual({ environment: null, lines: [expect.stringContaining('it is not used')] });
    chownSync(file, 54_321, 100);
    expect(readAsNobody(cwd, 54_321)).toEqual({ environment: null, lines: [expect.stringContaining('others of its group (100) may write')] });
  });
});

describe('a group is private', () => {
  const passwd = 'root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:1005::/home/bob:/bin/sh\ncy:x:1002:100::/home/cy:/bin/sh\n';
  const group = 'root:x:0:\nusers:x:100:\nann:x:1000:\nbob:x:1005:bob\ndevs:x:2000:ann,bob\nwww:x:33:ann\n';
  test.each<[string, number, number, boolean, string?]>([
    ['of the same number', 1000, 1000, true],
    ['of the same name', 1005, 1001, true],
    ["root's", 0, 1000, true],
    ['of several', 2000, 1000, false],
    ['that is the primary one of many', 100, 1002, false],
    ['of the same number, with another member', 1000, 1000, false, group.replace('ann:x:1000:', 'ann:x:1000:bob')],
    ['of another program', 33, 1000, false],
    ['that nobody knows, of the same number', 4321, 4321, true],
    ['that nobody knows', 4321, 1000, false],
  ])('%s: gid %i for uid %i is %s', (_, gid, uid, isPrivate, groups = group) => {
    expect(isPrivateGroup(gid, [uid, 0], { passwd, group: groups })).toBe(isPrivate);
  });
});

/** Reads as another user, in a process of its own: a file that root may not read or write does not exist. */
function readAsNobody(cwd: string, uid = STRANGER, around: readonly string[] = []): { environment: string | null; lines: string[] } {
  // The process changes over by itself: that user may not be able to reach the Node that runs the tests.
  const script = `const { readSettings } = await import(${JSON.stringify(resolve(import.meta.dirname, '../../src/settings/read.ts'))});
    if (${isRoot}) { process.setgroups([]); process.setgid(${uid}); process.setuid(${uid}); }
    const { environment, problems } = await readSettings({ flags: {}, env: {}, cwd: ${JSON.stringify(cwd)}, inContainer: false });
    console.log(JSON.stringify({ environment: environment.value, lines: problems.map(({ message }) => message) }));`;
  const [command, ...args] = [...around, process.execPath, '--input-type=module', '-e', script];
  return JSON.parse(execFileSync(command!, args, { encoding: 'utf8' })) as ReturnType<typeof readAsNobody>;
}

test.runIf(isRoot)('on a read-only mount modes and owners say nothing (root: only it can mount)', () => {
  const cwd = makeProject({ 'otel-run.config.yaml': yaml });
  for (const path of [cwd, join(cwd, 'otel-run.config.yaml')]) {
    chownSync(path, STRANGER, STRANGER);
    chmodSync(path, 0o777);
  }
  const mount = `mount --bind '${cwd}' '${cwd}' && mount -o remount,bind,ro '${cwd}' && exec "$@"`;
  expect(readAsNobody(cwd, 54_321, ['unshare', '-m', 'sh', '-c', mount, 'sh'])).toEqual({ environment: 'found', lines: [] });
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
