import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { readSettingsSync } from '../../src/settings/read-sync.ts';
import { makeProject, read } from './project.ts';

/** Code that leaves a mark, in every module kind. */
const plant = (mark: string) => ({
  commonjs: `require('node:fs').writeFileSync(${JSON.stringify(mark)}, ''); module.exports = { environment: 'evil' };`,
  module: `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(mark)}, ''); export default { environment: 'evil' };`,
});

/** Runs to its end, so that what was started and not waited for has run too. The folder is the working directory, where cosmiconfig looks. */
function run(cwd: string, script: string): string {
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}

const source = (name: string): string => resolve(import.meta.dirname, '../../src/settings', name);

test.each([
  ['no config file', {}],
  ['a config file', { 'otel-run.config.yaml': 'environment: data\n' }],
  ['a key in package.json', { 'package.json': '{ "otel-run": { "environment": "data" } }' }],
  ["cosmiconfig's own configuration", { 'package.json': '{ "cosmiconfig": { "searchPlaces": ["evil.js"] }, "otel-run": { "environment": "data" } }' }],
])('nothing found by search runs, with %s', (_, files) => {
  const cwd = makeProject(files);
  const mark = join(cwd, 'ran');
  const { commonjs, module } = plant(mark);
  mkdirSync(join(cwd, '.config'), { recursive: true });
  for (const [name, text] of Object.entries({
    '.config/config.js': commonjs, '.config/config.cjs': commonjs, '.config/config.mjs': module, '.config/config.ts': module,
    '.config/otel-run.js': commonjs, '.otel-runrc.js': commonjs, '.otel-runrc.ts': module, '.otel-runrc.cjs': commonjs,
    'otel-run.config.js': commonjs, 'otel-run.config.cjs': commonjs, 'otel-run.config.mjs': module, 'otel-run.config.ts': module, 'evil.js': commonjs,
  })) writeFileSync(join(cwd, name), text);
  expect(run(cwd, `
    const { readSettings } = await import(${JSON.stringify(source('read.ts'))});
    const { readSettingsSync } = await import(${JSON.stringify(source('read-sync.ts'))});
    const settings = await readSettings({ flags: {}, env: {}, cwd: process.cwd() });
    console.log(JSON.stringify([settings.environment.value, readSettingsSync({ env: {}, cwd: process.cwd() }).environment.value, settings.problems]));
  `)).toBe(JSON.stringify([...Array(2).fill(Object.keys(files).length === 0 ? null : 'data'), []]));
  expect(existsSync(mark)).toBe(false);
});

test("control: cosmiconfig's public constructor does run what was planted", () => {
  const cwd = makeProject();
  const mark = join(cwd, 'ran');
  mkdirSync(join(cwd, '.config'));
  writeFileSync(join(cwd, '.config/config.mjs'), plant(mark).module);
  const path = createRequire(import.meta.url).resolve('cosmiconfig');
  run(cwd, `(await import(${JSON.stringify(path)})).cosmiconfigSync('otel-run', { searchPlaces: ['otel-run.config.yaml'] });`);
  expect(existsSync(mark)).toBe(true);
});

test.each([
  ['otel-run.config.yaml', '$import: evil.js\nenvironment: data\n'],
  ['otel-run.config.yaml', '$import: [./evil.cjs, other.yaml]\nenvironment: data\n'],
  ['otel-run.config.json', '{ "$import": "evil.js", "environment": "data" }'],
  ['.otel-runrc', '$import: evil.mjs\nenvironment: data\n'],
  ['package.json', '{ "$import": "evil.js", "otel-run": { "$import": "evil.js", "environment": "data" } }'],
])('$import in %s is a key like any other: %s', (name, text) => {
  const cwd = makeProject({ [name]: text, 'other.yaml': 'environment: imported\n' });
  const mark = join(cwd, 'ran');
  const { commonjs, module } = plant(mark);
  for (const [file, code] of Object.entries({ 'evil.js': commonjs, 'evil.cjs': commonjs, 'evil.mjs': module })) writeFileSync(join(cwd, file), code);
  const [environment, line] = run(cwd, `
    const { environment, problems } = await (await import(${JSON.stringify(source('read.ts'))})).readSettings({ flags: {}, env: {}, cwd: process.cwd() });
    console.log(environment.value); console.log(problems.map(({ message }) => message).join());
  `).split('\n');
  expect([environment, line]).toEqual(['data', expect.stringMatching(/^[^,]*unknown key '\$import'; it is not used$/)]);
  expect(existsSync(mark)).toBe(false);
});

test.each([
  ['config.mjs', "export default { environment: 'code', service: { version: 1.5 }, otlp: { headers: { a: '${A}' } }, propagators: ['b3'] };"],
  ['config.cjs', "module.exports = { environment: 'code', service: { version: 1.5 }, otlp: { headers: { a: '${A}' } }, propagators: ['b3'] };"],
  ['config.js', "module.exports = { environment: 'code', service: { version: 1.5 }, otlp: { headers: { a: '${A}' } }, propagators: ['b3'] };"],
])('%s runs when --config names it', async (name, text) => {
  const cwd = makeProject({ [name]: text, 'package.json': '{}' });
  const settings = await read({ cwd, flags: { config: name } });
  expect(settings.problems).toEqual([]);
  expect([settings.environment.value, settings.serviceVersion.value, settings.values.propagators.value]).toEqual(['code', '1.5', ['b3']]);
  expect(settings.otlp.traces.destination?.headers).toEqual({ a: '${A}' });
  expect(settings.environment.origin).toEqual({ kind: 'file', name: 'environment', file: join(cwd, name) });
});

test.each([
  ['throws', "throw new Error('no luck\\nat all');", /^--config: '.*' cannot be run: no luck; no config file is used$/],
  ['exports nothing', 'export const a = 1;', /^--config: '.*' has no default export that holds settings; no config file is used$/],
  ['exports a function', 'export default () => ({});', /^--config: '.*' has no default export that holds settings; no config file is used$/],
  ['is no JavaScript', 'export default {', /^--config: '.*' cannot be run: .*; no config file is used$/],
  ['holds a function', 'export default { environment() {} };', /^config\.mjs environment: expected one value, found a function; it is not used$/],
  ['holds an unknown key', 'export default { enviroment: 1 };', /^config\.mjs: unknown key 'enviroment'; it is not used$/],
  ['holds itself', 'const a = { resource: {} }; a.resource.a = a.resource; export default a;', /^config\.mjs resource\.a: expected one value, found a map; it is not used$/],
])('code that %s is said', async (_, text, line) => {
  const { problems } = await read({ files: { 'config.mjs': text }, flags: { config: 'config.mjs' } });
  expect(problems).toMatchObject([{ message: expect.stringMatching(line) as unknown, strict: true }]);
});

test('a preload reads no code', () => {
  const cwd = makeProject({ 'config.mjs': 'export default {};' });
  const { problems } = readSettingsSync({ env: { OTEL_RUN_CONFIG: 'config.mjs' }, cwd });
  expect(problems).toMatchObject([{ message: expect.stringMatching(/is code, which only the command otel-run reads; no config file is used$/) as unknown }]);
});
