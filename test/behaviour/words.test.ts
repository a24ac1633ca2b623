/** Nothing is silent where the exporter has no terminal: what goes wrong is said by the application's agent, or by the next run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { ensureNodes } from '../../scripts/setup/nodes.mjs';
import { closedPort, startReceiver } from '../harness/receiver.ts';
import { startOtelRun } from '../harness/run.ts';

const node = (await ensureNodes()).node24!;
const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'words-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('what a replaced launcher could not say is said once by the next run with that destination', async () => {
  const env = { HOME: mkdtempSync(join(scratch, 'home-')), OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await closedPort()}` };
  const run = (more: Record<string, string> = {}) => startOtelRun({ node, topology: 'replace', args: [node, fixture('endings/endings.cjs'), 'natural'], env: { ...env, ...more } }).ended;
  expect((await run()).stderr).toBe('');
  const elsewhere = await startReceiver();
  expect((await run({ OTEL_EXPORTER_OTLP_ENDPOINT: elsewhere.httpUrl })).stderr).toBe('');
  await elsewhere.close();
  const words = /^otel-run: an earlier run ended with 100 spans for http:\/\/127\.0\.0\.1:\d+\/v1\/traces kept for the next run or `otel-run drain`: connection refused[^\n]*\n$/;
  await expect.poll(async () => (await run()).stderr, { timeout: 10_000 }).toMatch(words);
});

test('a backend that refuses is said while the application runs', async () => {
  const env = { HOME: mkdtempSync(join(scratch, 'home-')), OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await closedPort()}` };
  const program = startOtelRun({ node, topology: 'replace', args: [node, fixture('endings/endings.cjs'), 'busy-for-a-while'], env });
  const { stderr } = await program.ended;
  expect(stderr).toMatch(/^otel-run: http:\/\/127\.0\.0\.1:\d+\/v1\/traces: connection refused: nothing listens there; trying again[^\n]*\n$/);
});
