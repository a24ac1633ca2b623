import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureNodes } from '../../scripts/setup/nodes.mjs';
import { mergeNodeOptions } from '../../src/plan/node-options.ts';
import { launcher, otelRun, plainNode } from '../harness/run.ts';

const nodes = await ensureNodes();
const installed = ['with space', 'with "quotes"', "it's $them", 'ünï-日本'];
/** Node loads no ES module, and so no launcher, from a path with a backslash, but preloads from one. */
const preloaded = [...installed, 'back\\slash', 'all \\ of " them'];

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'otel-run-nodes-'));
  // What others may not read, root would load from a copy.
  chmodSync(dir, 0o755);
  const root = dirname(dirname(launcher));
  for (const name of preloaded) {
    mkdirSync(join(dir, name));
    writeFileSync(join(dir, name, 'preload.js'), 'process.env.PRELOADED = "yes"');
  }
  for (const name of installed) {
    for (const part of ['bin', 'dist', 'package.json']) cpSync(join(root, part), join(dir, name, part), { recursive: true });
  }
});
afterAll(() => rmSync(dir, { recursive: true }));

describe.each(Object.entries(nodes))('on %s', (_, node) => {
  it.each(preloaded)('NODE_OPTIONS carry a preload from %j, beside options of the user', async (name) => {
    const NODE_OPTIONS = mergeNodeOptions('--title=theirs', join(dir, name, 'preload.js'));
    const { stdout, stderr } = await plainNode({ node, args: ['-p', 'process.env.PRELOADED + " " + process.title'], env: { NODE_OPTIONS } });
    expect({ stdout, stderr }).toEqual({ stdout: 'yes theirs\n', stderr: '' });
  });

  it.each(installed)('the agent is preloaded by an otel-run in %j', async (name) => {
    // The agent registers the OpenTelemetry API.
    const code = `process.stdout.write(globalThis[Symbol.for('opentelemetry.js.api.1')] ? JSON.parse(process.env.OTEL_RUN_PLAN).preload : 'no agent')`;
    const { stdout, stderr, exitCode } = await plainNode({ node, args: [join(dir, name, 'bin', 'otel-run.js'), 'node', '-e', code] });
    expect({ stdout, stderr, exitCode }).toEqual({ stdout: join(dir, name, 'dist', 'agent', 'register.js'), stderr: '', exitCode: 0 });
  });

  it('becomes the application where this Node can, and waits where it cannot', async () => {
    const { stdout: type } = await plainNode({ node, args: ['-p', 'typeof process.execve'] });
    const { stdout: applicationPid, pid } = await otelRun({ node, args: ['node', '-p', 'process.pid'], topology: 'replace' });
    expect(applicationPid === `${pid}\n`).toBe(type === 'function\n');
  });
});
