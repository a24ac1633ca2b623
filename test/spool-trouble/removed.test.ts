/** What otel-run needs is taken away while it runs: its packages by `npm ci`, its spool by the end of a login. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import { startPlainNode } from '../harness/run.ts';
import { expectAll, installBelow, play, type Play } from './account.ts';

const dir = mkdtempSync(join(tmpdir(), 'otel-run-removed-'));
chmodSync(dir, 0o755);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let projects = 0;
function makeProject(): Pick<Play, 'launcher' | 'env'> & { readonly modules: string } {
  const project = join(dir, `project-${projects++}`);
  mkdirSync(join(project, 'home'), { recursive: true });
  writeFileSync(join(project, 'package.json'), '{"name":"project"}');
  return { launcher: installBelow(project), modules: join(project, 'node_modules'), env: { HOME: join(project, 'home'), XDG_CACHE_HOME: undefined } };
}

const cells = [
  ['oldest Node', nodes.node20min!, 'parent'],
  ['newest Node', nodes.node26!, 'parent'],
  ['newest Node', nodes.node26!, 'replace'],
] as const;

describe.each(cells)('%s', (_, node, topology) => {
  test(`npm ci inside the run: later processes start, and all is delivered, ${topology}`, async () => {
    const { modules, ...places } = makeProject();
    const played = await play({ node, topology, ...places, last: 400, what: ['reinstall', modules] });
    expect(existsSync(modules)).toBe(false);
    expectAll(played, 400);
    expect(played.result.stdout).toBe('done\n');
  });

  test(`a spool that is removed: all is delivered, ${topology}`, async () => {
    expectAll(await play({ node, topology, last: 2000, what: ['remove'], halfFirst: true }), 2000);
  });

  test(`a spool that is removed before it was read: all is delivered, ${topology}`, async () => {
    expectAll(await play({ node, topology, last: 2000, what: ['remove'] }), 2000);
  });
});

test('a process that is started when otel-run itself has gone runs as ever', async () => {
  const { modules, launcher, env } = makeProject();
  const show = ['node', '-p', 'process.env.NODE_OPTIONS'];
  const { stdout } = await startPlainNode({ node: nodes.node26!, args: [launcher!, ...show], env: { ...env, OTEL_TRACES_EXPORTER: 'none' } }).ended;
  rmSync(modules, { recursive: true });
  expect(await startPlainNode({ node: nodes.node26!, args: ['-p', '1'], env: { NODE_OPTIONS: stdout.trim() } }).ended).toMatchObject({ stdout: '1\n', stderr: '', exitCode: 0 });
});
