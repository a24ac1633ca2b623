import { quote } from './origin.ts';

/** The word of `words` that is at most `within` letters away (added, lost, changed or swapped), or null. Case does not count. */
export function findNearest(word: string, words: Iterable<string>, within = 2): string | null {
  const wanted = word.toLowerCase();
  let best: string | null = null;
  let bestDistance = within + 1;
  for (const candidate of words) {
    if (Math.abs(candidate.length - wanted.length) >= bestDistance) continue;
    const distance = countEdits(wanted, candidate.toLowerCase());
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

/** For people: the word that was meant, or all that there are. */
export function hintAmong(word: string, words: readonly string[]): string {
  const nearest = findNearest(word, words);
  return nearest === null ? `one of ${words.join(', ')}` : `did you mean ${quote(nearest)}?`;
}

/** Damerau-Levenshtein, each pair of letters swapped at most once. */
export function countEdits(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const changed = a[row - 1] === b[column - 1] ? 0 : 1;
      let cost = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + changed);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, beforeLast[column - 2]! + 1);
      }
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length]!;
}
