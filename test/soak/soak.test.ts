/** Two minutes of the soak; `npm run soak` does it for an hour. */
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { nodes } from '../harness/nodes.ts';

const SEED = '7';

test('in a random walk of applications, endings, backend troubles and kills no finished span is lost in silence', { timeout: 330_000 }, async () => {
  await ensureApps(['express5']);
  const run = fileURLToPath(new URL('./run.ts', import.meta.url));
  const { exitCode, stdout, stderr } = await execa(nodes.node24!, [run, '--minutes', '2', '--seed', SEED], { reject: false, timeout: 310_000, env: { OTEL_RUN_SPOOL_DIR: undefined } });
  expect(`${stdout}${stderr}`).toMatch(/^soak: \d+ steps, \d+ spans finished: .* 0 unexplained$/m);
  expect({ exitCode, said: exitCode === 0 ? '' : `${stdout}\n${stderr}` }).toEqual({ exitCode: 0, said: '' });
});
