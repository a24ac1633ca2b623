/** A library that an instrumentation cannot cope with works as under plain node, and costs its own spans alone. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import { startReceiver } from '../harness/receiver.ts';
import { otelRun, plainNode } from '../harness/run.ts';
import { outline } from '../harness/traced.ts';

const scratch = mkdtempSync(join(tmpdir(), 'library-trouble-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** An application with one library, which it uses, and a request to itself. */
function place(name: string, library: { readonly name: string; readonly version: string; readonly source: string }, kind: 'cjs' | 'mjs'): string {
  const dir = join(scratch, name, kind);
  const files = {
    'package.json': '{"name":"app"}',
    [`node_modules/${library.name}/package.json`]: JSON.stringify({ name: library.name, version: library.version, main: 'index.js' }),
    [`node_modules/${library.name}/index.js`]: library.source,
    [`app.${kind}`]: `${kind === 'cjs' ? `const library = require('${library.name}'); const http = require('node:http');` : `import library from '${library.name}'; import http from 'node:http';`}
      console.log(Object.keys(library).join(), library.greet('Ada'));
      const server = http.createServer((request, response) => response.end(library.greet('Bob'))).listen(0, '127.0.0.1', () => {
        http.get({ host: '127.0.0.1', port: server.address().port, agent: false }, (response) => response.on('data', (data) => console.log(String(data))).on('end', () => server.close()));
      });`,
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return dir;
}

const greet = "exports.greet = (name) => 'hello ' + name;";
const libraries = {
  'a version out of range': { name: 'pg', version: '99.0.0', source: greet },
  'no version': { name: 'express', version: '', source: greet },
  'another shape than its version has': { name: 'express', version: '5.1.0', source: greet },
  'a part that throws when the patch looks at it': {
    name: 'express',
    version: '5.1.0',
    source: `${greet} for (const name of ['Router', 'application', 'Route']) Object.defineProperty(exports, name, { enumerable: false, get() { throw new Error('on purpose'); } });`,
  },
  'exports that are frozen': { name: 'mysql2', version: '3.1.0', source: `exports.createConnection = () => {}; ${greet} Object.freeze(exports);` },
};
const said: Partial<Record<keyof typeof libraries, RegExp>> = {
  'another shape than its version has': /^otel-run: express is not traced: its instrumentation failed \(Cannot read properties of undefined [^\n]*\)\.\n$/,
  'a part that throws when the patch looks at it': /^otel-run: express is not traced: its instrumentation failed \(on purpose\)\.\n$/,
};

const newest = nodes.node26 ?? process.execPath;
const oldest = nodes.node20min ?? newest;

describe.each([
  ['CommonJS on the newest Node', newest, 'cjs'],
  ['ES module on the newest Node', newest, 'mjs'],
  ['CommonJS on the oldest', oldest, 'cjs'],
  ['ES module on the oldest', oldest, 'mjs'],
] as const)('%s', (cell, node, kind) => {
  test.each(Object.keys(libraries) as (keyof typeof libraries)[])('%s', { timeout: 60_000 }, async (trouble) => {
    const cwd = place(`${cell} ${trouble}`, libraries[trouble], kind);
    const receiver = await startReceiver();
    try {
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl };
      const [ours, plain] = await Promise.all([otelRun({ node, cwd, args: ['node', `app.${kind}`], env }), plainNode({ node, cwd, args: [`app.${kind}`] })]);
      expect(plain).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringContaining('hello Bob') });
      expect({ ...ours, pid: 0, stderr: '' }).toEqual({ ...plain, pid: 0 });
      expect(ours.stderr).toMatch(said[trouble] ?? /^$/);
      await receiver.waitForSpans(2);
      expect(outline(receiver.spans)).toEqual(['client GET', '  server GET']);
    } finally {
      await receiver.close();
    }
  });
});

test('which versions are traced is said where it is asked for', { timeout: 60_000 }, async () => {
  const cwd = place('asked', libraries['a version out of range'], 'cjs');
  const { stderr, exitCode } = await otelRun({ cwd, args: ['--verbose', 'node', 'app.cjs'], env: { OTEL_TRACES_EXPORTER: 'none' } });
  expect({ stderr, exitCode }).toEqual({ stderr: expect.stringMatching(/^otel-run: pg 99\.0\.0 is not traced: versions >=\d\S*.* are\.$/m), exitCode: 0 });
});
