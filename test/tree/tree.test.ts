/**
 * The whole process tree of a command: which processes and threads are traced, which are stepped over, and that none
 * is changed. docs/process-tree.md has the table.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { nodes } from '../harness/nodes.ts';
import { launcher } from '../harness/run.ts';
import { fixtures, makeProject, namesOf, openStage, play, toolModules } from './play.ts';

beforeAll(() => ensureApps(['tools']), 300_000);

const newest = nodes.node26 ?? process.execPath;
const ages = Object.entries({ 'newest Node': newest, 'oldest Node': nodes.node20min ?? newest });
const app = `require(${JSON.stringify(join(fixtures, 'app.cjs'))});\n`;
const project = (script = 'node app.cjs'): string => makeProject({ 'package.json': { name: 'of-the-tree', version: '1.2.3', scripts: { start: script } }, 'app.cjs': app, 'app.ts': `const name: string = 'app';\n${app}` });
const path = (...dirs: string[]): string => [...dirs, join(toolModules, '.bin'), process.env.PATH].join(delimiter);

describe.each(ages)('%s', (age, node) => {
  test('threads, however they are started', async () => {
    const { result, plain, spans, seen } = await play({ node, words: ['node', join(fixtures, 'threads.cjs')] }, 14);
    expect(result).toEqual({ ...plain, pid: result.pid });
    expect(result).toMatchObject({ stderr: '', exitCode: 0 });
    const ways = ['plain', 'no environment', 'environment of its own', 'no options', 'neither', 'shared'];
    expect(namesOf(spans)).toEqual(['main', 'a class of its own', ...ways, ...ways.map((way) => `${way}, eval`)].sort());
    // The probe is the user's: where an environment was made from nothing, it is not there without otel-run either.
    expect(seen).toEqual(['thread: traced', 'thread: traced', 'thread: traced', 'thread: traced', 'thread: traced', 'thread: traced', 'threads.cjs: traced']);
    expect(new Set(spans.map(({ resource }) => resource['service.name'])).size).toBe(1);
  });

  test('children, however they are started', async () => {
    const { result, plain, spans } = await play({ node, words: ['node', join(fixtures, 'family.cjs')] }, 10);
    expect(result).toEqual({ ...plain, pid: result.pid });
    expect(result).toMatchObject({ stderr: '', exitCode: 0 });
    expect(result.stdout).toContain('made bare environment\n');
    expect(namesOf(spans)).toEqual(['cluster', 'cluster', 'exec', 'execFile', 'fork', 'fork without options', 'main', 'shell script', 'spawn', 'spawn -e']);
  });

  test.each<[name: string, words: string[], seen: string[]]>([
    ['npm start', ['npm', 'start', '--silent'], ['app.cjs: traced', 'npm: not traced']],
    ['pnpm start', ['pnpm', 'start'], ['app.cjs: traced', 'pnpm: not traced']],
    ['npx tsx', ['npx', 'tsx', 'app.ts'], ['app.ts: traced', 'npx: not traced', 'tsx: not traced']],
    ['a shell script', ['sh', '-c', 'node app.cjs && exit 3'], ['app.cjs: traced']],
    ['npm in npm', ['npm', 'exec', '--silent', '-c', 'npm start --silent'], ['app.cjs: traced', 'npm: not traced']],
    ['yarn start (1)', [join(toolModules, 'yarn/bin/yarn.js'), '--silent', 'start'], ['app.cjs: traced', 'yarn.js: not traced']],
  ])('%s', { timeout: 60_000 }, async (name, words, expected) => {
    const { result, plain, spans, seen } = await play({ node, words, cwd: project(), env: { PATH: path(dirname(node)), npm_config_update_notifier: 'false' }, timeoutMs: 60_000 }, 1);
    expect(result).toEqual({ ...plain, pid: result.pid });
    expect(result.exitCode).toBe(name === 'a shell script' ? 3 : 0);
    expect(namesOf(spans)).toEqual(['app']);
    expect(spans[0]?.resource).toMatchObject({ 'service.name': 'of-the-tree', 'service.version': '1.2.3' });
    // tsx compiles in threads, as many as it likes.
    expect([...new Set(seen)].filter((line) => line !== 'thread: not traced')).toEqual(expected);
  });
});

describe('newest Node', () => {
  const node = newest;
  const env = { PATH: path(dirname(node)) };

  test.each([['pnp'], ['node-modules']])('yarn start (4, %s)', async (linker) => {
    const cwd = makeProject({ 'package.json': { name: 'of-the-tree', version: '1.2.3', scripts: { start: 'node app.cjs' } }, 'app.cjs': app, '.yarnrc.yml': `nodeLinker: ${linker}\nenableTelemetry: false\nenableNetwork: false\nenableGlobalCache: false\n`, 'yarn.lock': '' }, { modules: null });
    const yarn = join(toolModules, '@yarnpkg/cli-dist/bin/yarn.js');
    execFileSync(node, [yarn, 'install'], { cwd, env });
    const { result, plain, spans, seen } = await play({ node, words: [yarn, 'start'], cwd, env }, 1);
    expect(result).toEqual({ ...plain, pid: result.pid });
    expect(namesOf(spans)).toEqual(['app']);
    expect(seen).toEqual(['app.cjs: traced', 'yarn.js: not traced']);
  });

  test("pino's transports: no span of theirs, and they keep nothing alive", async () => {
    const cwd = project();
    const { result, plain, spans, seen } = await play({ node, words: ['node', join(fixtures, 'pino.cjs'), join(cwd, 'log')], cwd, env }, 1);
    expect(result).toEqual({ ...plain, pid: result.pid });
    expect(result).toMatchObject({ stdout: '{"level":30,"msg":"hello"}\n', stderr: '', exitCode: 0 });
    expect(readFileSync(join(cwd, 'log'), 'utf8')).toBe('{"level":30,"msg":"hello"}\n'.repeat(2));
    expect(namesOf(spans)).toEqual(['logs']);
    expect(seen).toEqual(['pino.cjs: traced', 'thread: not traced']);
  });

  test.each<[depth: number, node: string, topology: 'replace' | 'parent']>([
    [50, newest, 'replace'],
    [6, nodes.node20min ?? newest, 'parent'],
  ])('otel-run in otel-run, %i deep', { timeout: 60_000 }, async (depth, node, topology) => {
    const nested = Array.from({ length: depth - 1 }, () => ['node', launcher]).flat();
    const { result, spans, seen } = await play({ node, topology, words: [...nested, 'node', join(fixtures, 'app.cjs')], timeoutMs: 60_000 }, 1);
    expect(result).toMatchObject({ stdout: 'made app\n', stderr: '', exitCode: 0 });
    expect(namesOf(spans)).toEqual(['app']);
    expect(seen).toEqual(['app.cjs: traced']);
  });

  test('node --run', async () => {
    const { result, plain, spans, seen } = await play({ node, words: ['node', '--run', 'start'], cwd: project(), env }, 1);
    expect(result).toEqual({ ...plain, pid: result.pid });
    expect(namesOf(spans)).toEqual(['app']);
    expect(seen).toEqual(['app.cjs: traced']);
  });

  test.each<[name: string, words: string[], seen: string[]]>([
    ['node --watch', ['node', '--watch', 'app.cjs'], ['app.cjs: traced', 'app.cjs: traced']],
    ['nodemon', ['nodemon', '--quiet', 'app.cjs'], ['app.cjs: traced', 'app.cjs: traced', 'nodemon: not traced']],
  ])('%s: before and after a change', { timeout: 60_000 }, async (_, words, expected) => {
    const cwd = project();
    const stage = await openStage({ node, cwd, env, timeoutMs: 50_000 });
    try {
      const watcher = stage.start(words);
      await watcher.said('made app');
      await stage.receiver.waitForSpans(1);
      writeFileSync(join(cwd, 'app.cjs'), `process.argv[2] = 'changed';\n${app}`);
      await watcher.said('made changed');
      await stage.receiver.waitForSpans(2);
      watcher.kill('SIGTERM');
      const { stderr } = await watcher.ended;
      expect(stderr).toBe('');
      expect(namesOf(stage.receiver.spans)).toEqual(['app', 'changed']);
      expect(stage.seen()).toEqual(expected);
    } finally {
      await stage.receiver.close();
    }
  });
});
