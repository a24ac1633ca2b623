import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { instrumentationOf } from '../../src/init/libraries.ts';
import { lookAtProject } from '../../src/init/project.ts';

const made: string[] = [];
afterEach(() => made.splice(0).forEach((dir) => rmSync(dir, { recursive: true, force: true })));

type Files = Record<string, string | object>;

function project(files: Files, below = ''): ReturnType<typeof lookAtProject> {
  const dir = mkdtempSync(join(tmpdir(), 'otel-run-project-'));
  made.push(dir);
  for (const [name, content] of Object.entries({ '.git/HEAD': '', ...files })) {
    mkdirSync(join(dir, dirname(name)), { recursive: true });
    writeFileSync(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return lookAtProject(join(dir, below));
}

const start = (script: string): Files => ({ 'package.json': { scripts: { start: script } } });

test.each<[string, Files, string, string]>([
  ['a plain start script', start('node server.js'), 'node server.js', 'scripts.start'],
  ['options of Node and of the script', start('node --enable-source-maps dist/main.js --port=80'), 'node --enable-source-maps dist/main.js --port=80', 'scripts.start'],
  ['otel-run there already', start('otel-run -- node server.js'), 'node server.js', 'scripts.start'],
  ['a script for the shell', start('NODE_ENV=x node server.js && true'), 'npm start', 'scripts.start: NODE_ENV=x node server.js && true'],
  ['a tool', start('next start'), 'npm start', 'scripts.start: next start'],
  ['a tool, with pnpm', { ...start('next start'), 'pnpm-lock.yaml': '' }, 'pnpm start', 'scripts.start: next start'],
  ['node --watch', start('node --watch x.js'), 'npm start', 'scripts.start: node --watch x.js'],
  ['main', { 'package.json': { main: 'lib/x.js' }, 'lib/x.js': '' }, 'node lib/x.js', 'main in package.json'],
  ['main that is not there', { 'package.json': { main: 'lib/x.js' }, 'index.js': '' }, 'node index.js', 'a usual name'],
  ['a usual name', { 'package.json': {}, 'src/app.mjs': '', 'dist/index.js': '' }, 'node src/app.mjs', 'a usual name'],
  ['a folder of a usual name', { 'server.js/x': '', 'app.ts': '' }, 'node app.ts', 'a usual name'],
  ['nothing', {}, 'node server.js', 'a guess: no start script, no main, no file of a usual name'],
])('the command of a project with %s', (_, files, words, from) => {
  const { command } = project(files);
  expect([command.words.join(' '), command.from]).toEqual([words, from]);
});

test.each<[string, Files, string, string]>([
  ['no lock file', { 'package.json': {} }, 'npm', 'no lock file'],
  ['npm', { 'package-lock.json': '' }, 'npm', 'package-lock.json'],
  ['pnpm', { 'pnpm-lock.yaml': '' }, 'pnpm', 'pnpm-lock.yaml'],
  ['yarn', { 'yarn.lock': '' }, 'yarn', 'yarn.lock'],
  ['bun', { 'bun.lock': '' }, 'bun', 'bun.lock'],
  ['a name beside another lock file', { 'package.json': { packageManager: 'yarn@4.1.0' }, 'package-lock.json': '' }, 'yarn', 'packageManager in package.json'],
])('the package manager of a project with %s', (_, files, name, from) => {
  expect(project(files).packageManager).toEqual({ name, from });
});

test('the lock file of a workspace stands above', () => {
  const { packageManager } = project({ 'pnpm-lock.yaml': '', 'apps/orders/package.json': {} }, 'apps/orders');
  expect(packageManager).toEqual({ name: 'pnpm', from: expect.stringMatching(/pnpm-lock\.yaml$/) });
});

test.each<[string, Files, object]>([
  ['type module', { 'package.json': { type: 'module' }, 'server.js': '' }, { modules: 'ES modules', isTypeScript: false }],
  ['no type', { 'package.json': {}, 'server.js': '' }, { modules: 'CommonJS' }],
  ['.mjs', { 'package.json': {}, 'server.mjs': '' }, { modules: 'ES modules' }],
  ['.cjs in a module', { 'package.json': { type: 'module' }, 'server.cjs': '' }, { modules: 'CommonJS' }],
  ['.mts', { 'package.json': {}, 'server.mts': '' }, { modules: 'ES modules', isTypeScript: true }],
  ['tsconfig', { 'package.json': {}, 'dist/index.js': '', 'tsconfig.json': '' }, { isTypeScript: true }],
  ['libraries', { 'package.json': { dependencies: { express: '5', '@aws-sdk/client-s3': '3', lodash: '4' }, devDependencies: { pg: '8' } } }, { libraries: ['express', '@aws-sdk/client-s3', 'pg'], ownSender: null }],
  ['another SDK', { 'package.json': { dependencies: { 'dd-trace': '5' } } }, { ownSender: 'dd-trace' }],
  ['settings', { '.config/otel-run.yaml': '' }, { settings: '.config/otel-run.yaml' }],
  ['settings in package.json', { 'package.json': { 'otel-run': {} } }, { settings: 'the key otel-run in package.json' }],
  ['a Dockerfile', { Dockerfile: '' }, { dockerfile: 'Dockerfile' }],
  ['a Containerfile', { Containerfile: '' }, { dockerfile: 'Containerfile' }],
  ['a broken package.json', { 'package.json': '{' }, { hasManifest: false, name: null, libraries: [] }],
  ['an odd package.json', { 'package.json': { name: 3, scripts: [], dependencies: 'x', main: {} } }, { hasManifest: true, name: null, libraries: [] }],
  ['a byte order mark', { 'package.json': '\ufeff{"name":"x"}' }, { name: 'x' }],
])('a project with %s', (_, files, expected) => expect(project(files)).toMatchObject(expected));

test('every library of the generated table is known by its name', () => {
  const text = readFileSync(new URL('../../docs/instrumentations.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `([^`]+)` \| (.*?) \|/gm)].map(([, name = '', libraries = '']) => ({ name, libraries }));
  expect(rows.length).toBeGreaterThan(30);
  const packages = rows.flatMap(({ name, libraries }) => [...libraries.matchAll(/`([^`]+)` (?=[<>^\d])/g)].map(([, library = '']) => [library, name]));
  // The inner packages of the AWS SDK are in nobody's package.json.
  const named = packages.filter(([library = '']) => !/^@(?:aws-sdk|smithy)\//.test(library));
  expect(named.map(([library = '']) => [library, instrumentationOf(library)])).toEqual(named);
});
