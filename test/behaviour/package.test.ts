/** What is published works by itself: packed, installed in an empty folder without network, run once. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { ensureNodes } from '../../scripts/setup/nodes.mjs';
import { startReceiver, type Receiver } from '../harness/receiver.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'package-'));
const installed = join(dir, 'node_modules', 'otel-run');
const nodes = await ensureNodes();
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
  const { stdout } = await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', dir], { cwd: root });
  writeFileSync(join(dir, 'package.json'), '{"name":"an-application","version":"3.2.1","private":true}');
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', join(dir, stdout.trim())], { cwd: dir });
  await ensureApps(['express5']);
  cpSync(join(root, 'test/apps/express5/node_modules'), join(dir, 'node_modules'), { recursive: true });
});
afterAll(async () => {
  await receiver?.close();
  rmSync(dir, { recursive: true, force: true });
});

test('it brings no dependency, no install script and no native addon', () => {
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { dependencies?: object; scripts?: Record<string, string> };
  expect(Object.keys(manifest.dependencies ?? {})).toEqual([]);
  expect(Object.keys(manifest.scripts ?? {}).filter((name) => /install/.test(name))).toEqual([]);
  expect(filesOf(installed).filter((file) => file.endsWith('.node'))).toEqual([]);
});

test('it is smaller than 15 MB and carries the licences of what it bundles', () => {
  const bytes = filesOf(installed).reduce((sum, file) => sum + statSync(file).size, 0);
  expect(bytes).toBeLessThan(15 * 2 ** 20);
  const licences = readFileSync(join(installed, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
  for (const name of ['@opentelemetry/api', '@grpc/grpc-js', 'commander', 'yaml', 'import-in-the-middle']) expect(licences).toContain(`${name} `);
  expect(existsSync(join(installed, 'LICENSE'))).toBe(true);
});

test.each(Object.entries(nodes))('its command traces an Express application from that folder, %s', async (name, node) => {
  const script = join(dir, 'src', `${name}.js`);
  mkdirSync(join(dir, 'src'), { recursive: true });
  writeFileSync(
    script,
    `const app = require('express')();
app.get('/hello/:name', (request, response) => response.send('hello'));
const server = app.listen(0, '127.0.0.1', async () => {
  const answer = await fetch('http://127.0.0.1:' + server.address().port + '/hello/${name}');
  console.log(await answer.text());
  server.close();
  server.closeAllConnections();
});`,
  );
  const { stdout, stderr } = await run(node, [join(dir, 'node_modules', '.bin', 'otel-run'), node, script], {
    cwd: dir,
    env: { PATH: '/nonexistent', HOME: dir, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl },
  });
  expect({ stdout, stderr }).toEqual({ stdout: 'hello\n', stderr: '' });
  const version = (await run(node, ['-p', 'process.versions.node'])).stdout.trim();
  await receiver.waitForSpans((spans) => spans.some((span) => span.name === 'GET /hello/:name' && span.resource['process.runtime.version'] === version));
  const server = receiver.spans.find((span) => span.name === 'GET /hello/:name' && span.resource['process.runtime.version'] === version)!;
  expect(server.resource).toMatchObject({ 'service.name': 'an-application', 'service.version': '3.2.1', 'telemetry.distro.name': 'otel-run' });
});

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
