import { describe, expect, test } from 'vitest';
import { add, subtract } from '../../../src/export/metrics/arithmetic.ts';
import type { PointValue } from '../../../src/export/metrics/point.ts';

const int = (value: number): PointValue => ({ kind: 'int', value });
const double = (value: number): PointValue => ({ kind: 'double', value });
const histogram = (counts: number[], sum: number | null, min: number | null = null, max: number | null = null, bounds = [1, 2]): PointValue => ({ kind: 'histogram', count: counts.reduce((a, b) => a + b, 0), sum, counts, bounds, min, max });
const exponential = (scale: number, offset: number, counts: number[], zeroCount = 0): PointValue => ({ kind: 'exponential', count: counts.reduce((a, b) => a + b, zeroCount), sum: 1, scale, zeroCount, positive: { offset, counts }, negative: { offset: 0, counts: [] }, min: null, max: null });

describe('add', () => {
  test.each<[what: string, one: PointValue, other: PointValue, sum: PointValue]>([
    ['integers', int(2), int(3), int(5)],
    ['an integer and a double', int(2), double(0.5), double(2.5)],
    ['histograms', histogram([1, 2, 3], 10, 0.5, 9), histogram([0, 1, 0], 1.5, 1.5, 1.5), histogram([1, 3, 3], 11.5, 0.5, 9)],
    ['histograms, one without a sum', histogram([1, 0, 0], null), histogram([0, 1, 0], 1.5), histogram([1, 1, 0], null)],
    ['exponential histograms of one scale', exponential(3, 2, [1, 1]), exponential(3, 3, [5, 5]), { ...exponential(3, 2, [1, 6, 5]), sum: 2 } as PointValue],
    ['exponential histograms of two scales', exponential(1, 4, [1, 1, 1]), exponential(0, 2, [10], 7), { ...exponential(0, 2, [12, 1], 7), sum: 2 } as PointValue],
    ['exponential histograms below one', exponential(1, -3, [1, 1, 1]), exponential(0, -1, [10]), { ...exponential(0, -2, [1, 12]), sum: 2 } as PointValue],
    ['an exponential histogram and an empty one', exponential(2, 5, [4]), exponential(2, 0, []), { ...exponential(2, 5, [4]), sum: 2 } as PointValue],
    ['what has changed its bounds: the later one', histogram([1, 2, 3], 10), histogram([1, 1], 2, null, null, [5]), histogram([1, 1], 2, null, null, [5])],
    ['what has changed its kind: the later one', int(1), histogram([1, 0, 0], 1), histogram([1, 0, 0], 1)],
  ])('%s', (_, one, other, sum) => expect(add(one, other)).toEqual(sum));
});

describe('subtract', () => {
  test.each<[what: string, later: PointValue, earlier: PointValue, difference: PointValue]>([
    ['a counter', int(7), int(3), int(4)],
    ['a counter that has not moved', int(7), int(7), int(0)],
    ['a counter that began anew', int(2), int(7), int(2)],
    ['a histogram: its extremes are those of all time', histogram([3, 3, 3], 20, 0, 9), histogram([1, 2, 3], 12, 0, 9), histogram([2, 1, 0], 8)],
    ['a histogram that began anew', histogram([1, 0, 0], 1, 1, 1), histogram([5, 0, 0], 5, 1, 1), histogram([1, 0, 0], 1, 1, 1)],
    ['an exponential histogram that has widened its buckets since', { ...exponential(0, 2, [12, 1], 7), sum: 5 } as PointValue, { ...exponential(1, 4, [1, 1, 1]), sum: 2 } as PointValue, { ...exponential(0, 2, [10, 0], 7), sum: 3 } as PointValue],
  ])('%s', (_, later, earlier, difference) => expect(subtract(later, earlier)).toEqual(difference));
});
