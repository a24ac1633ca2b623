import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import { chooseOffers } from '../../src/init/offers.ts';
import { lookAtProject } from '../../src/init/project.ts';
import { readSettings } from '../../src/settings/read.ts';
import { table } from '../../src/settings/table.ts';
import { otelRun } from '../harness/run.ts';

const templates = fileURLToPath(new URL('../../templates/', import.meta.url));
const read = (source: string): string => readFileSync(join(templates, source), 'utf8');
const config = read('config/otel-run.config.yaml');
/** With every setting that the comments show switched on. */
const full = config.replace(/^# ( *\w+:( .*)?)$/gm, '$1');
const dockerfiles = readdirSync(join(templates, 'docker'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'otel-run-templates-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test.each([['as it is', config], ['with all that it shows', full]])('the config file %s is sound', async (_, text) => {
  writeFileSync(join(dir, 'otel-run.config.yaml'), text, { mode: 0o644 });
  const settings = await readSettings({ flags: {}, env: { HOME: dir }, cwd: dir });
  expect(settings.problems).toEqual([]);
});

test('the config file shows settings that there are', () => {
  const shown = keysOf(parse(full) as object);
  expect(shown.length).toBeGreaterThan(10);
  const maps = Object.entries(table).filter(([, { type }]) => type === 'map' || type === 'headers').map(([key]) => `${key}.`);
  expect(shown.filter((key) => !Object.hasOwn(table, key) && !maps.some((map) => key.startsWith(map)))).toEqual([]);
});

test.each([['as it is', config], ['with all that it shows', full]])('an application runs with the config file %s', async (_, text) => {
  writeFileSync(join(dir, 'otel-run.config.yaml'), text, { mode: 0o644 });
  const result = await otelRun({ args: ['--strict', '--traces', 'none', 'node', '-p', '6 * 7'], cwd: dir });
  expect(result).toMatchObject({ stdout: '42\n', stderr: '', exitCode: 0 });
});

test.each(dockerfiles)('the Dockerfile for %s starts the application under otel-run', (name) => {
  const text = read(`docker/${name}/Dockerfile`);
  expect(JSON.parse(/^ENTRYPOINT (.*)$/m.exec(text)![1]!)).toEqual(['otel-run', '--']);
  expect(JSON.parse(/^CMD (.*)$/m.exec(text)![1]!)).toEqual(['node', 'server.js']);
  expect(text.indexOf('USER node')).toBeGreaterThan(text.lastIndexOf('RUN '));
  for (const [, command] of text.matchAll(/^RUN (.*)$/gm)) execFileSync('sh', ['-n', '-c', command!]);
});

test('a project gets the files that it lacks, with its own command', () => {
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ packageManager: 'pnpm@9.0.0', scripts: { start: "node dist/$&.js" } }));
  writeFileSync(join(dir, 'main.mjs'), '');
  const offers = chooseOffers(lookAtProject(dir), { logs: false }, read);
  expect(offers.map(({ path }) => path)).toEqual(['otel-run.config.yaml', 'Dockerfile', '.dockerignore']);
  expect(offers[0]!.text).toBe(config);
  expect(offers[1]!.text).toBe(read('docker/pnpm/Dockerfile').replace('CMD ["node", "server.js"]', 'CMD ["pnpm", "start"]'));
});

test.each<[string[], string[]]>([
  [['Dockerfile'], ['otel-run.config.yaml']],
  [['.otel-runrc'], ['Dockerfile', '.dockerignore']],
  [['.dockerignore', 'otel-run.config.json'], ['Dockerfile']],
])('a project with %j is offered %j', (there, offered) => {
  for (const name of there) writeFileSync(join(dir, name), '');
  expect(chooseOffers(lookAtProject(dir), { logs: false }, read).map(({ path }) => path)).toEqual(offered);
});

function keysOf(node: object, path = ''): string[] {
  return Object.entries(node).flatMap(([key, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? keysOf(value, `${path}${key}.`) : [`${path}${key}`],
  );
}
