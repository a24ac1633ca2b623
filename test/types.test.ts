import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));

test.each([['launcher, exporter and tests', '.'], ['agent', 'src/agent']])('the types of %s hold', async (_, project) => {
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '--noEmit', '-p', project], { cwd: root }).catch((error: { stdout: string }) => error);
  expect(stdout).toBe('');
}, 120_000);
