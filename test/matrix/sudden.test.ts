/** Rows 8 to 11: endings that no JavaScript sees. What was handed over arrives. */
import { describe, expect, test, vi } from 'vitest';
import { CELLS_AT_ONCE, allCells, expectAllDelivered } from './play.ts';

vi.setConfig({ maxConcurrency: CELLS_AT_ONCE, testTimeout: 60_000 });

describe.concurrent('row 8: SIGKILL: 100 of 100', () => {
  test.each(allCells)('%s', async (_, cell) => {
    expect((await expectAllDelivered(cell, { name: 'signal', signal: 'SIGKILL' })).result).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
  });
});

describe.concurrent('row 9: process.abort(): 100 of 100', () => {
  test.each(allCells)('%s', async (_, cell) => {
    expect((await expectAllDelivered(cell, { name: 'abort' })).result).toMatchObject({ exitCode: null, signal: 'SIGABRT' });
  });
});

describe.concurrent('row 10: heap out of memory: 100 of 100', () => {
  test.each(allCells)('%s', async (_, cell) => {
    const { result } = await expectAllDelivered(cell, { name: 'out-of-memory', nodeOptions: ['--max-old-space-size=60'] });
    expect(result).toMatchObject({ exitCode: null, signal: 'SIGABRT' });
  });
});

describe.concurrent.each([
  ['worker.terminate() of a busy worker', 'worker-terminated', 0],
  ["main's process.exit() over a busy worker", 'worker-busy', 2],
] as const)('%s: 100 of 100', (_, name, exitCode) => {
  test.each(allCells)('%s', async (_, cell) => {
    expect((await expectAllDelivered(cell, { name })).result).toMatchObject({ exitCode, signal: null });
  });
});
