/** Which of the application's callbacks are asked now: each once a second, but for those that would cost more than their share. */

export interface CallbackTurns {
  /** Of all callbacks those whose turn it is. */
  due<T extends object>(all: readonly T[], time: number): readonly T[];
  /** It was asked at this time, and took so many milliseconds. */
  took(callback: object, time: number, cost: number): void;
}

/** Milliseconds of each second: 1 % of a processor. */
const BUDGET_MS = 10;

interface Turn {
  askedAt: number;
  /** The lesser of the last two: collecting garbage is not the callback's own. */
  cost: number;
  last: number;
}

export function createCallbackTurns(): CallbackTurns {
  const turns = new WeakMap<object, Turn>();
  return {
    due(all, time) {
      const share = shareOf(all.map((callback) => turns.get(callback)?.cost ?? 0));
      return all.filter((callback) => {
        const turn = turns.get(callback);
        return turn === undefined || turn.cost <= share || time - turn.askedAt >= (turn.cost / share) * 1000;
      });
    },
    took(callback, time, cost) {
      const last = turns.get(callback)?.last ?? 0;
      turns.set(callback, { askedAt: time, cost: Math.min(cost, last), last: cost });
    },
  };
}

/** What each may take of a second: who takes less leaves the rest to the others. */
function shareOf(costs: readonly number[]): number {
  let left = BUDGET_MS;
  const rising = costs.toSorted((one, other) => one - other);
  for (const [at, cost] of rising.entries()) {
    const share = left / (rising.length - at);
    if (cost > share) return share;
    left -= cost;
  }
  return Infinity;
}
