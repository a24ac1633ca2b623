import type { Chunk, Follower } from '../follow.ts';
import type { SpoolView } from '../spool-view.ts';
import type { SeriesStore } from './series.ts';

export interface FollowMetricsOptions {
  readonly inner: Follower;
  readonly view: SpoolView;
  readonly store: SeriesStore;
  /** Null where nothing is exported: somebody comes for it. */
  readonly intervalMs: number | null;
}

/** Of those who have ended, nobody has come for the last points so long: they are forgotten. */
const FORGET_MS = 600_000;

/**
 * Follows the snapshots of metrics: those that have been read are settled at once, and what comes out are exports, at an
 * interval and once more at the end.
 */
export function followMetrics({ inner, view, store, intervalMs }: FollowMetricsOptions): Follower {
  // Those who were started together must not all come at once.
  let next = performance.now() + (intervalMs ?? FORGET_MS) * (0.5 + 0.5 * Math.random());
  let isFinishing = false;
  const writers = new Map<string, string>();

  return {
    read() {
      const chunks = inner.read();
      if (chunks !== null) return chunks.map(take);
      endWriters();
      const now = performance.now();
      if (isFinishing && intervalMs !== null ? !store.isDirty : now < next) return null;
      next = now + (intervalMs ?? FORGET_MS);
      const parts = store.export(BigInt(Date.now()) * 1_000_000n);
      return parts.length === 0 || intervalMs === null ? null : parts.map((part): Chunk => ({ segment: null, part, count: part.count, lost: null }));
    },
    hasReadAll: inner.hasReadAll,
    unread: inner.unread,
    get torn() {
      return inner.torn;
    },
    finish() {
      isFinishing = true;
    },
  };

  function take(chunk: Chunk): Chunk {
    const { segment, part } = chunk;
    if (part === null || segment === null) return chunk;
    const writer = segment.name.slice(0, segment.name.lastIndexOf('-'));
    writers.set(writer, segment.name);
    try {
      store.take(part, writer);
    } catch {
      return { segment, part: null, count: part.count, lost: 'unreadable in the spool' };
    }
    return { segment, part: null, count: 0, lost: null };
  }

  /** A writer has ended when none of its segments is left to be read. */
  function endWriters(): void {
    if (writers.size === 0) return;
    const living = new Set<string>();
    for (const segment of view.segments.values()) if (!inner.hasReadAll(segment) || !segment.writerEnded) living.add(segment.name.slice(0, segment.name.lastIndexOf('-')));
    for (const writer of writers.keys()) {
      if (living.has(writer)) continue;
      writers.delete(writer);
      store.end(writer);
    }
  }
}
