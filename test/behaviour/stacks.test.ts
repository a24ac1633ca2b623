/** What a call of the application's throws has the application's frames, as under plain Node, and shows no page of our code. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import { otelRun, plainNode } from '../harness/run.ts';

const dir = mkdtempSync(join(tmpdir(), 'otel-run-stacks-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Frames of the application: those inside Node may differ. */
const frames = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('    at ') && !/\(?node:/.test(line));
const env = { OTEL_RUN_KEEP: 'false' };

describe.each([['oldest Node', nodes.node20min!], ['newest Node', nodes.node26!]])('%s', (_, node) => {
  test.each([
    ['http.get of no URL', `require('node:http').get(process.env.NOWHERE + '/x')`],
    ['https.request of no URL', `require('node:https').request('nowhere')`],
    ['a path that is none', `require('node:http').request({ path: '/a b' })`],
    ['a header that is none', `require('node:http').request('http://127.0.0.1:9', { headers: { x: '\\n' } })`],
    ['another protocol', `require('node:http').get('https://localhost')`],
  ])('%s', async (name, call) => {
    const script = join(dir, `${name.replace(/\W/g, '-')}.cjs`);
    writeFileSync(script, `function inner() { ${call}; }\nfunction outer() { inner(); }\nif (process.argv[2] === 'caught') try { outer(); } catch (error) { console.log(error.stack); }\nelse outer();\n`);
    for (const words of [['caught'], []]) {
      const plain = await plainNode({ node, args: [script, ...words] });
      const ours = await otelRun({ node, args: ['--endpoint', 'http://127.0.0.1:9', node, script, ...words], env });
      expect(frames(plain.stdout + plain.stderr).length).toBeGreaterThan(2);
      expect(frames(ours.stdout + ours.stderr)).toEqual(frames(plain.stdout + plain.stderr));
      expect(ours.exitCode).toBe(plain.exitCode);
      expect(Math.max(...ours.stderr.split('\n').map(({ length }) => length))).toBeLessThan(400);
    }
  });

  test('a limit of its own, and none', async () => {
    const script = join(dir, 'limits.cjs');
    const call = `try { require('node:http').get('nowhere'); } catch (error) { console.log(String(error.stack).split('\\n').length); }`;
    writeFileSync(script, `for (const limit of [0, 1, 3, 50]) { Error.stackTraceLimit = limit; ${call} }\nError.prepareStackTrace = (_, sites) => sites.length > 0 ? 'mine' : 'none';\n${call}\nconsole.log(Error.stackTraceLimit);`);
    const ours = await otelRun({ node, args: ['--endpoint', 'http://127.0.0.1:9', node, script], env });
    const [none, one, three, , own, limit] = ours.stdout.split('\n').map(Number);
    expect([none, one, three, own, limit]).toEqual([1, 2, 4, 1, 50]);
  });
});
