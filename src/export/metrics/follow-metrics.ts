import type { Chunk, Follower } from '../follow.ts';
import type { OwnMetrics } from '../own/own-metrics.ts';
import { nanos } from '../nanos.ts';
import { splitName, type SpoolView } from '../spool-view.ts';
import type { SeriesStore } from './series.ts';

export interface FollowMetricsOptions {
  readonly inner: Follower;
  readonly view: SpoolView;
  readonly store: SeriesStore;
  /** Null where nothing is exported: somebody comes for it. */
  readonly intervalMs: number | null;
  /** The exporter's metrics of itself; null where nobody wants them. */
  readonly own: OwnMetrics | null;
  /** What was read has been delivered, kept or lost. */
  isSettled(): boolean;
}

const OWN_WRITER = 'otel-run';

/** How often what has ended is looked through where nothing is exported. */
const FORGET_MS = 60_000;
/** A writer between two segments has none for a moment. */
const ABSENT_MS = 2000;

/**
 * Follows the snapshots of metrics. What comes out are exports, at an interval and once more at the end; the snapshots are
 * settled with them, so that an exporter that takes over knows what one that was killed had read and not told.
 */
export function followMetrics({ inner, view, store, intervalMs, own, isSettled }: FollowMetricsOptions): Follower {
  // Those who were started together must not all come at once.
  let next = performance.now() + (intervalMs ?? FORGET_MS) * (0.5 + 0.5 * Math.random());
  let isFinishing = false;
  let isLast = false;
  /** At the end our own points come last: they tell what became of all others. */
  let isOwnTold = own === null || intervalMs === null;
  /** When it was first seen that they have no segment; null where they have. */
  const writers = new Map<string, number | null>();

  return {
    read() {
      const chunks = inner.read();
      if (chunks !== null) return chunks.map(take);
      endWriters();
      const now = performance.now();
      const isOwnDue = isFinishing && !isOwnTold && (isLast || (own!.isFinal && isSettled()));
      if (isFinishing && intervalMs !== null ? !store.isDirty && !isOwnDue : now < next) return null;
      next = now + (intervalMs ?? FORGET_MS);
      if (isOwnDue || !isFinishing) takeOwn(store, own);
      isOwnTold ||= isOwnDue;
      const parts = store.export(nanos(Date.now()));
      return parts.length === 0 || intervalMs === null ? null : parts.map((part): Chunk => ({ segment: null, part, count: part.count, lost: null }));
    },
    hasReadAll: inner.hasReadAll,
    unread: () => inner.unread() + (isFinishing && !isOwnTold ? 1 : 0),
    get torn() {
      return inner.torn;
    },
    finish(last = false) {
      isFinishing = true;
      isLast ||= last;
    },
  };

  function take(chunk: Chunk): Chunk {
    const { segment, part } = chunk;
    if (part === null || segment === null) return chunk;
    const writer = splitName(segment.name).writer;
    writers.set(writer, null);
    own?.see(part.resource);
    try {
      store.take(part, writer);
    } catch {
      return { segment, part: null, count: part.count, lost: 'unreadable in the spool' };
    }
    return { segment, part: null, count: 0, lost: null, ...(intervalMs === null ? {} : { held: true }) };
  }

  /** A writer has ended when none of its segments is left to be read. */
  function endWriters(): void {
    if (writers.size === 0) return;
    const living = new Set<string>();
    for (const segment of view.segments.values()) if (!inner.hasReadAll(segment) || !segment.writerEnded) living.add(splitName(segment.name).writer);
    const now = performance.now();
    for (const [writer, absentSince] of writers) {
      if (living.has(writer)) writers.set(writer, null);
      else if (!isFinishing && now - (absentSince ?? now) < ABSENT_MS) writers.set(writer, absentSince ?? now);
      else {
        writers.delete(writer);
        store.end(writer, nanos(Date.now()));
      }
    }
  }
}

/** Puts our own points of this moment with the others. */
export function takeOwn(store: SeriesStore, own: OwnMetrics | null): void {
  const part = own?.collect() ?? null;
  if (part !== null) store.take(part, OWN_WRITER);
}
