/** Sums and differences of points of one series, as the metrics data model defines them for each kind. */
import type { Buckets, PointValue } from './point.ts';

/** What two writers of one series have recorded together. Values of different shapes cannot be put together: the later one holds. */
export function add(one: PointValue, other: PointValue): PointValue {
  return combine(one, other, 1) ?? other;
}

/** What was recorded between two points of one writer; `later` itself where the writer began anew in between. */
export function subtract(later: PointValue, earlier: PointValue): PointValue {
  const difference = combine(later, earlier, -1);
  if (difference === null || hasShrunk(difference)) return later;
  // What the extremes of an interval were, two totals cannot tell.
  return difference.kind === 'histogram' || difference.kind === 'exponential' ? { ...difference, min: null, max: null } : difference;
}

function combine(one: PointValue, other: PointValue, sign: 1 | -1): PointValue | null {
  const sum = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + sign * b);
  const extremes = { min: lesser(one, other), max: greater(one, other) };
  if (one.kind === 'histogram' && other.kind === 'histogram') {
    if (one.bounds.length !== other.bounds.length || one.bounds.some((bound, at) => bound !== other.bounds[at])) return null;
    return { ...one, ...extremes, count: one.count + sign * other.count, sum: sum(one.sum, other.sum), counts: one.counts.map((count, at) => count + sign * (other.counts[at] ?? 0)) };
  }
  if (one.kind === 'exponential' && other.kind === 'exponential') {
    const scale = Math.min(one.scale, other.scale);
    const [first, second] = [toScale(one, scale), toScale(other, scale)];
    return {
      ...first,
      ...extremes,
      count: one.count + sign * other.count,
      sum: sum(one.sum, other.sum),
      zeroCount: one.zeroCount + sign * other.zeroCount,
      positive: combineBuckets(first.positive, second.positive, sign),
      negative: combineBuckets(first.negative, second.negative, sign),
    };
  }
  if ('value' in one && 'value' in other) return { kind: one.kind === 'int' && other.kind === 'int' ? 'int' : 'double', value: one.value + sign * other.value };
  return null;
}

type Exponential = PointValue & { readonly kind: 'exponential' };

function toScale(value: Exponential, scale: number): Exponential {
  const by = value.scale - scale;
  return by === 0 ? value : { ...value, scale, positive: merge(value.positive, by), negative: merge(value.negative, by) };
}

/** Bucket i of a scale falls into bucket ⌊i / 2^by⌋ of one that is lower by `by`. */
function merge({ offset, counts }: Buckets, by: number): Buckets {
  if (counts.length === 0) return { offset: offset >> by, counts };
  const first = offset >> by;
  const merged: number[] = new Array<number>(((offset + counts.length - 1) >> by) - first + 1).fill(0);
  counts.forEach((count, at) => (merged[((offset + at) >> by) - first]! += count));
  return { offset: first, counts: merged };
}

function combineBuckets(one: Buckets, other: Buckets, sign: 1 | -1): Buckets {
  if (other.counts.length === 0) return one;
  if (one.counts.length === 0 && sign === 1) return other;
  const from = Math.min(one.offset, other.offset);
  const to = Math.max(one.offset + one.counts.length, other.offset + other.counts.length);
  return { offset: from, counts: Array.from({ length: to - from }, (_, at) => (one.counts[from + at - one.offset] ?? 0) + sign * (other.counts[from + at - other.offset] ?? 0)) };
}

/** A counter that is smaller than it was has begun anew; a value that may fall has not. */
function hasShrunk(difference: PointValue): boolean {
  if (difference.kind === 'histogram') return difference.count < 0 || difference.counts.some((count) => count < 0);
  return difference.kind === 'exponential' ? difference.count < 0 : difference.value < 0;
}

function lesser(one: PointValue, other: PointValue): number | null {
  return 'min' in one && 'min' in other ? (one.min === null || other.min === null ? null : Math.min(one.min, other.min)) : null;
}

function greater(one: PointValue, other: PointValue): number | null {
  return 'max' in one && 'max' in other ? (one.max === null || other.max === null ? null : Math.max(one.max, other.max)) : null;
}
