import { lstatSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { listSegments } from '../spool/directory.ts';
import type { SegmentOwner } from '../spool/frame.ts';
import { bootId, ownerLives, pidNamespace } from '../spool/owner.ts';
import { isPlain } from '../spool/plain-file.ts';

/** A segment file of the run, as all readers of the spool see it. */
export interface Segment {
  readonly name: string;
  readonly path: string;
  /** Known from its first frame on. */
  owner: SegmentOwner | null;
  size: number;
  /** Its writer had ended before `size` was read: nothing more will come. */
  writerEnded: boolean;
  /** Readers that have not settled all of it. */
  readonly unsettled: Set<number>;
}

export interface SpoolView {
  readonly segments: ReadonlyMap<string, Segment>;
  /** Bytes of all segments at the last refresh. */
  readonly bytes: number;
  /** It was removed by somebody else before all of it was settled: its writer, where it lives, puts it back. */
  mayReturn(name: string): boolean;
  /** Lists the directory anew. `askAnew` does not rely on what was found out about the writers a moment ago. */
  refresh(askAnew?: boolean): void;
  /** A reader has settled everything of a finished segment; when the last one has, the file goes. */
  settle(segment: Segment, reader: number): void;
}

const LIVENESS_MS = 200;
/** A writer of another pid namespace cannot be asked after: this long without a byte counts as its end. */
const FOREIGN_SILENCE_MS = 5 * 60_000;
const MOST_REMOVED = 1000;
const MOST_BYTES = 64 * 1024 * 1024;

const byNumber = new Intl.Collator('en', { numeric: true });

/** Watches the spool directory for `readers` readers (numbered from 0). `onWriter` hears of each writing process or thread once. */
export function viewSpool(dir: string, readers: number, onWriter: (owner: SegmentOwner) => void = () => {}): SpoolView {
  const segments = new Map<string, Segment & { changedAt: number }>();
  const here = { pidNamespace: pidNamespace(), boot: bootId() };
  const known = new Set<string>();
  const liveness = new Map<string, { alive: boolean; at: number }>();
  /** Done with, and not to be removed: the file system has become read-only. */
  const leftBehind = new Set<string>();
  const removed: typeof segments = new Map();
  let bytes = 0;

  return {
    segments,
    get bytes() {
      return bytes;
    },
    mayReturn: (name) => removed.has(name),
    refresh(askAnew = false) {
      if (askAnew) liveness.clear();
      const names = listSegments(dir).filter((name) => !leftBehind.has(name));
      const there = new Set(names);
      for (const [name, segment] of segments) {
        if (there.has(name)) continue;
        segments.delete(name);
        if (removed.size < MOST_REMOVED && !segment.writerEnded) removed.set(name, segment);
      }
      for (const name of names.filter((name) => !segments.has(name)).sort(byNumber.compare)) {
        const back = removed.get(name);
        removed.delete(name);
        const unsettled = new Set(Array.from({ length: readers }, (_, reader) => reader));
        segments.set(name, back ?? { name, path: join(dir, name), owner: null, size: 0, writerEnded: false, unsettled, changedAt: performance.now() });
      }
      bytes = 0;
      for (const segment of segments.values()) {
        // In this order: what a writer appends before it ends is within the size that is read after its end.
        segment.writerEnded ||= hasEnded(segment);
        const size = sizeOf(segment.path);
        if (size !== segment.size) segment.changedAt = performance.now();
        segment.size = size;
        bytes += size;
      }
    },
    settle(segment, reader) {
      segment.unsettled.delete(reader);
      if (segment.unsettled.size > 0) return;
      segments.delete(segment.name);
      try {
        rmSync(segment.path, { force: true });
      } catch {
        leftBehind.add(segment.name);
      }
    },
  };

  function hasEnded(segment: Segment & { changedAt: number }): boolean {
    const owner = segment.owner ?? ownerByName(segment.name, here);
    if (owner === null) return false;
    const key = `${owner.pid} ${owner.start} ${owner.pidNamespace} ${owner.boot}`;
    if (segment.owner !== null && !known.has(key)) {
      known.add(key);
      onWriter(owner);
    }
    if (owner.pidNamespace !== here.pidNamespace && owner.boot === here.boot) return performance.now() - segment.changedAt > FOREIGN_SILENCE_MS;
    const last = liveness.get(key);
    if (last !== undefined && (!last.alive || performance.now() - last.at < LIVENESS_MS)) return !last.alive;
    const alive = ownerLives(owner, here);
    liveness.set(key, { alive, at: performance.now() });
    return !alive;
  }
}

/**
 * The writer of a segment whose first frame never came, from its name `<pid>-<thread>-<start>-<number>.seg`.
 * Taken for one of this pid namespace: the directory is of this run.
 */
function ownerByName(name: string, here: Pick<SegmentOwner, 'pidNamespace' | 'boot'>): SegmentOwner | null {
  const [pid, thread, start] = basename(name).split('-').map(Number);
  if (!Number.isInteger(pid) || !Number.isInteger(thread)) return null;
  return { pid: pid!, thread: thread!, start: start === undefined || start === 0 ? null : String(start), ...here };
}

/**
 * Anything but a regular file with one name is nothing: the directory could hold a link that somebody planted. All files of
 * a run together are smaller than what is read of one at most.
 */
function sizeOf(path: string): number {
  try {
    const stat = lstatSync(path);
    return isPlain(stat) ? Math.min(stat.size, MOST_BYTES) : 0;
  } catch {
    return 0;
  }
}

/** `<writer>-<number>.seg`, where a writer is `<pid>-<thread>-<start>`. */
export function splitName(name: string): { writer: string; number: number } {
  const dash = name.lastIndexOf('-');
  return { writer: name.slice(0, dash), number: Number.parseInt(name.slice(dash + 1), 10) || 0 };
}
