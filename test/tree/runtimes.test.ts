/** What otel-run does not support runs as without it, and one line says why there is no telemetry. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { nodes } from '../harness/nodes.ts';
import { otelRun } from '../harness/run.ts';

beforeAll(() => ensureApps(['runtimes']), 300_000);
const packages = fileURLToPath(new URL('../apps/runtimes/node_modules/', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'runtimes-'));
writeFileSync(join(dir, 'app.js'), 'console.log("ran", process.version); process.exitCode = 3;');
writeFileSync(join(dir, 'shell.sh'), '"$@"\n"$@"\n');
afterAll(() => rmSync(dir, { recursive: true }));

const unsupported = (what: RegExp | string): RegExp => new RegExp(`^otel-run: ${what instanceof RegExp ? what.source : what} is not supported.*without telemetry\\.?\\n$`);

test.each([
  ['Node 12', ['node12/bin/node'], unsupported(/Node\.js 12\.22\.12/)],
  ['Node 16', ['node16/bin/node'], unsupported(/Node\.js 16\.20\.2/)],
  ['Node 18', ['node18/bin/node'], unsupported(/Node\.js 18\.20\.8/)],
  ['Bun', ['bun/bin/bun'], unsupported('Bun')],
  ['Deno', ['deno/deno', 'run', '-A'], unsupported('Deno')],
])('%s', async (_, [program, ...words], line) => {
  const file = join(packages, program!);
  expect(existsSync(file)).toBe(true);
  const { stdout, stderr, exitCode } = await otelRun({ args: [file, ...words, join(dir, 'app.js')], cwd: dir });
  expect({ stdout, exitCode }).toEqual({ stdout: expect.stringMatching(/^ran v\d+\.\d+\.\d+\n$/), exitCode: 3 });
  expect(stderr).toMatch(line);
});

test('two of them in one tree are said once', async () => {
  const { stdout, stderr } = await otelRun({ args: ['sh', join(dir, 'shell.sh'), join(packages, 'node18/bin/node'), join(dir, 'app.js')], cwd: dir });
  expect(stdout).toMatch(/^ran .*\nran .*\n$/);
  expect(stderr).toMatch(unsupported(/Node\.js 18\.20\.8/));
});

test.each(Object.entries(nodes))('%s, which may read nothing but the application', async (name, node) => {
  const permission = name.startsWith('node20') ? '--experimental-permission' : '--permission';
  const { stdout, stderr, exitCode } = await otelRun({ node, args: [node, '--no-warnings', permission, `--allow-fs-read=${dir}/*`, join(dir, 'app.js')], cwd: dir });
  expect({ stdout, exitCode }).toEqual({ stdout: expect.stringMatching(/^ran v/), exitCode: 3 });
  expect(stderr).toMatch(/^otel-run: the application runs without telemetry: .*--allow-fs-read=\/.*\n$/);
});
