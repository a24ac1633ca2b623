/** Rows 5 to 7: a signal ends the application as it ends plain node, and all that it finished arrives. */
import { describe, expect, test, vi } from 'vitest';
import { CELLS_AT_ONCE, allCells, expectAllDelivered, missing, play } from './play.ts';

vi.setConfig({ maxConcurrency: CELLS_AT_ONCE, testTimeout: 60_000 });

describe.concurrent.each([
  ['row 5', 'SIGTERM'],
  ['row 7', 'SIGINT'],
  ['row 7', 'SIGHUP'],
] as const)('%s: %s', (row, signal) => {
  test.each(allCells)('with no handler ends it at once, 100 of 100: %s', async (_, cell) => {
    expect((await expectAllDelivered(cell, { name: 'signal', signal })).result).toMatchObject({ exitCode: null, signal });
  });

  test.each(allCells)('with a handler that exits: 100 of 100, code kept: %s', async (_, cell) => {
    expect((await expectAllDelivered(cell, { name: 'signal-exits', signal })).result).toMatchObject({ exitCode: 9, signal: null });
  });

  test.each(allCells)(`with a handler that closes servers first${row === 'row 5' ? ' (row 6)' : ''}: 100 of 100, not cut short: %s`, async (_, cell) => {
    expect((await expectAllDelivered(cell, { name: 'signal-closes', signal })).result).toMatchObject({ exitCode: 0, signal: null });
  });
});

describe.concurrent('a signal in the very turn costs at most what finished in its last 10 ms', () => {
  test.each(allCells)('%s', async (_, cell) => {
    // One span each 2 ms, then a turn that never ends.
    const { spans } = await play(cell, { name: 'long-turn', signal: 'SIGTERM' }, (spans) => spans.length >= 95);
    expect(missing(spans, 100).filter((number) => number <= 90)).toEqual([]);
  });
});
