/** Row 21 in short: what scripts/soak/backend-down.mjs does for ten minutes, for twenty seconds with a small spool. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { node } from './runs.ts';

const script = fileURLToPath(new URL('../../scripts/soak/backend-down.mjs', import.meta.url));

interface Found {
  readonly ending: number;
  readonly produced: number;
  readonly missing: number;
  readonly twice: number;
  readonly samples: readonly { readonly seconds: number; readonly own: number; readonly pss: number; readonly spool: number }[];
  readonly mostMib: Readonly<Record<'own' | 'spool' | 'kept', number>>;
}

test('a backend that is down: memory and spool stay within their bounds, everything is kept or counted', { timeout: 120_000 }, async () => {
  const args = ['--minutes', '0.33', '--rate', '3000', '--spool', '4MiB', '--every', '1', '--json'];
  const text = await new Promise<string>((resolve) => execFile(node, [script, ...args], { maxBuffer: 2 ** 24 }, (_, stdout) => resolve(stdout)));
  const { ending, produced, missing, twice, samples, mostMib } = JSON.parse(text) as Found;
  expect([ending, produced, missing, twice]).toEqual([0, 59_400, 0, 0]);
  expect(mostMib.spool).toBeLessThan(4.5);
  expect(mostMib.kept).toBeGreaterThan(20); // it went through the spool
  const after = (seconds: number) => samples.filter((one) => one.seconds > seconds).map(({ own }) => own);
  const [early] = after(4);
  expect(Math.max(...after(4)) - early!).toBeLessThan(32);
});
