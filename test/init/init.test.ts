import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { init, type Ask } from '../../src/commands/init.ts';
import { otelRun } from '../harness/run.ts';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'otel-run-init-'));
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ name: 'orders', scripts: { start: 'node server.js' }, dependencies: { express: '5' } }));
  writeFileSync(join(dir, 'server.js'), "console.log('served')");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function run(words: string[], ask: Ask, env: Record<string, string> = {}): Promise<{ code: number; text: string; said: string[] }> {
  let text = '';
  const said: string[] = [];
  const context = { env, cwd: dir, dist, say: (line: string) => void said.push(line), print: (more: string) => void (text += more) };
  const code = await init(words, context, ask);
  return { code, text, said };
}
const all: Ask = async () => true;
const own = ['package.json', 'server.js'];
const written = (): string[] => readdirSync(dir).filter((name) => !own.includes(name)).sort();

test('each file is shown before it is asked for, and written only with a yes', async () => {
  const questions: string[] = [];
  const { code, text } = await run([], async (question) => (questions.push(question), !question.includes('Dockerfile')));
  expect(code).toBe(0);
  expect(questions).toEqual([expect.stringMatching(/^\nSend log records .* you would pay twice\. \[y\/N\] $/), 'Write otel-run.config.yaml? [y/N] ', 'Write Dockerfile? [y/N] ', 'Write .dockerignore? [y/N] ']);
  expect(written()).toEqual(['.dockerignore', 'otel-run.config.yaml']);
  expect(text).toContain('    ENTRYPOINT ["otel-run", "--"]\n    CMD ["node", "server.js"]');
  expect(text).toContain('Dockerfile is not written.');
});

test('it says what it found', async () => {
  const { text } = await run([], async () => false);
  expect(text.slice(text.indexOf('\n'), text.indexOf('\notel-run.config'))).toBe(`

    package           orders
    package manager   npm (no lock file)
    starts with       node server.js (scripts.start)
    modules           CommonJS
    traced libraries  express; http, https and fetch of Node
    settings          none yet
    container         no Dockerfile yet
`);
});

test.each<[string, object, Record<string, string>, string[]]>([
  ['installed in the project', { devDependencies: { 'otel-run': '*' } }, {}, ['npx otel-run node server.js', 'npx otel-run traces']],
  ['installed in the project, with pnpm', { devDependencies: { 'otel-run': '*' }, packageManager: 'pnpm@9' }, {}, ['pnpm exec otel-run node server.js', 'pnpm exec otel-run traces']],
  ['fetched by npx', {}, { npm_command: 'exec' }, ['npm install otel-run', 'npx otel-run node server.js']],
  ['installed globally', {}, {}, ['otel-run node server.js', 'otel-run traces']],
])('it ends with two commands to type where it is %s', async (_, manifest, env, commands) => {
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ scripts: { start: 'node server.js' }, ...manifest }));
  const { text } = await run(['--yes'], null, env);
  expect(text.slice(text.indexOf('\nNext:')).trim().split('\n').map((line) => line.trim())).toEqual(['Next:', '', ...commands]);
});

test('nothing is overwritten, not even what appears while it asks', async () => {
  writeFileSync(join(dir, 'otel-run.config.yaml'), 'mine: yes');
  const { text } = await run([], async () => (writeFileSync(join(dir, 'Dockerfile'), 'FROM mine'), true));
  expect(text).toContain('Settings are in otel-run.config.yaml already: left as they are.');
  expect(text).toContain('Dockerfile is there already and stays as it is.');
  expect(readFileSync(join(dir, 'otel-run.config.yaml'), 'utf8')).toBe('mine: yes');
  expect(readFileSync(join(dir, 'Dockerfile'), 'utf8')).toBe('FROM mine');
});

test('a Dockerfile that is there gets the lines to add, printed', async () => {
  writeFileSync(join(dir, 'Dockerfile'), 'FROM node\nCOPY . .\nUSER node\nENTRYPOINT ["node"]\nCMD ["server.js"]\n');
  const { text } = await run(['--yes'], null);
  expect(written()).toEqual(['Dockerfile', 'otel-run.config.yaml']);
  expect(text).toContain(`Dockerfile is there already and stays as it is. Lines to add:

Before line 3:

    RUN npm install --global otel-run

In place of line 4 (ENTRYPOINT ["node"]):

    ENTRYPOINT ["otel-run", "--", "node"]

Next:
`);
});

test('where nobody can answer nothing is written', async () => {
  const { code, said } = await run([], null);
  expect(code).toBe(125);
  expect(said).toEqual([expect.stringContaining('otel-run init --yes')]);
  expect(written()).toEqual([]);
});

test('a directory that cannot be written to is an error in words', async () => {
  const away: Ask = async () => (rmSync(dir, { recursive: true, force: true }), true);
  await expect(run([], away)).rejects.toMatchObject({ message: 'otel-run.config.yaml cannot be written: ENOENT' });
});

test('the second time there is nothing to do', async () => {
  await run(['-y'], null);
  const { code, text } = await run([], all);
  expect(code).toBe(0);
  expect(text).toContain('Dockerfile names otel-run already');
  expect(text).not.toContain('a new file');
});

test.each<[string, string[], Ask, boolean]>([
  ['a yes', [], all, true],
  ['a no', [], async (question) => !question.includes('log records'), false],
  ['--yes', ['--yes'], null, false],
  ['--yes --logs', ['--yes', '--logs'], null, true],
])('log records are sent by the settings behind %s: %#', async (_, words, ask, isSent) => {
  await run(words, ask);
  const { settings } = JSON.parse((await otelRun({ args: ['--dry-run', '--json', 'node', 'server.js'], cwd: dir })).stdout) as { settings: { setting: string; value: string; origin: string }[] };
  const { value, origin } = settings.find(({ setting }) => setting === 'logs.exporters')!;
  expect([value, origin]).toEqual(isSent ? ['otlp', expect.stringContaining('otel-run.config.yaml')] : [expect.any(String), 'default']);
});

test('settings that are there are not changed for log records, but told how', async () => {
  writeFileSync(join(dir, 'otel-run.config.yaml'), 'environment: production');
  const { text } = await run(['--yes', '--logs'], null);
  expect(text).toContain('left as they are. Log records are sent with `logs: { exporters: [otlp] }` in them.');
});

test('strange words are refused', async () => {
  await expect(run(['--yess'], null)).rejects.toMatchObject({ message: expect.stringContaining('--yess'), hint: 'usage: otel-run init [--yes] [--logs]' });
});

test('the built program writes a project that runs', async () => {
  const made = await otelRun({ args: ['init', '--yes'], cwd: dir });
  expect(made).toMatchObject({ exitCode: 0, stderr: '' });
  expect(written()).toEqual(['.dockerignore', 'Dockerfile', 'otel-run.config.yaml']);
  expect(written().map((name) => (statSync(join(dir, name)).mode & 0o022).toString(8))).toEqual(['0', '0', '0']);
  const ran = await otelRun({ args: ['--strict', '--traces', 'none', 'node', 'server.js'], cwd: dir });
  expect(ran).toMatchObject({ exitCode: 0, stdout: 'served\n', stderr: '' });
});
