import { expect, test } from 'vitest';
import { createCallbackTurns } from '../../src/agent/meter/callback-turns.ts';

/** How often each of the callbacks is asked in so many seconds, asked every second. Costs in milliseconds, of each call. */
function asked(costs: readonly (number | ((call: number) => number))[], seconds: number): number[] {
  const turns = createCallbackTurns();
  const callbacks = costs.map((cost) => ({ cost, calls: 0 }));
  for (let second = 1; second <= seconds; second++) {
    for (const callback of turns.due(callbacks, second * 1000)) {
      callback.calls++;
      turns.took(callback, second * 1000, typeof callback.cost === 'number' ? callback.cost : callback.cost(callback.calls));
    }
  }
  return callbacks.map(({ calls }) => calls);
}

test.each([
  ['cheap ones every second', [0.1, 1, 3], 100, [100, 100, 100]],
  ['a slow one so that it costs 1 %, from its third call on', [100], 101, [11]],
  ['a slow one is no burden to the others', [100, 0.1, 0.1], 100, [expect.closeTo(11, -1), 100, 100]],
  ['slow ones share what the cheap ones leave', [2, 40, 80], 202, [202, expect.closeTo(22, -1), expect.closeTo(12, -1)]],
  ['one long call among short ones is nothing', [(call) => (call === 50 ? 500 : 0.1)], 100, [100]],
  ['none', [], 10, []],
] as [string, (number | ((call: number) => number))[], number, unknown[]][])('%s', (_, costs, seconds, calls) => {
  expect(asked(costs, seconds)).toEqual(calls);
});

test('many callbacks cost 1 % together', () => {
  const costs = Array.from({ length: 50 }, () => 20);
  const busy = asked(costs, 1000).reduce((sum, calls) => sum + calls * 20, 0);
  // Two calls of each that tell what it costs.
  expect(busy).toBeLessThanOrEqual(1000 * 10 + 2 * 50 * 20);
});
