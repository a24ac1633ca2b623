import { closeSync, fchmodSync, fstatSync, ftruncateSync, openSync, readSync, renameSync, rmSync, statSync, statfsSync, unlinkSync, writeSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { makeHandOffDirectory, spoolBytes } from './directory.ts';
import { FRAME_HEADER_BYTES, FrameType, Signal, encodeFrame, sealFrame, type SegmentOwner } from './frame.ts';

export interface SegmentWriterOptions {
  /** Where the run's segments are; made (0700) where it has been removed. */
  readonly dir: string;
  readonly owner: SegmentOwner;
  /** `resource` and `schema_url` fields, as a resource frame holds them. */
  readonly resource: Uint8Array;
  /** Bound on all segments of the run together, in bytes. */
  readonly capBytes: number;
  /** A segment that has grown past this is ended and the next one begun. */
  readonly segmentBytes?: number;
  /** Bound on what waits in memory while writing fails, in bytes. */
  readonly pendingBytes?: number;
  /** A new segment is about to be filled: the time to append what every segment must hold. */
  readonly onSegment?: () => void;
}

export interface SegmentWriter {
  /**
   * Adds one item to what waits for the next flush. `scope` is a key of the caller's whose fields were given to
   * {@link SegmentWriter.defineScope}. Copies `item`. Never throws.
   */
  append(signal: Signal, scope: number, item: Uint8Array): void;
  /** The same for frames that count for nothing: where there is no room they are left out. */
  note(type: typeof FrameType.starts | typeof FrameType.ended | typeof FrameType.life, signal: Signal, scope: number, item: Uint8Array): void;
  /** Registers `scope` and `schema_url` fields of an instrumentation scope and returns its number. */
  defineScope(fields: Uint8Array): number;
  /** Bytes waiting for {@link SegmentWriter.flush}. */
  readonly pending: number;
  /** Counts items that the caller itself had to drop. */
  drop(signal: Signal, reason: string, count: number): void;
  /**
   * Writes what waits, synchronously. Never throws: what cannot be written is kept in bounds, then counted. `isLast`: there
   * may be no other time, so that what cannot be written now is counted now.
   */
  flush(isLast?: boolean): void;
  /** Flushes, marks the segment as ended and closes it. A later append opens a new one. */
  close(): void;
  /** Takes the counts of lost items that could not be written into the spool either: whoever asks must tell. */
  takeUntold(): readonly Drop[];
}

export interface Drop {
  readonly signal: Signal;
  readonly reason: string;
  readonly count: number;
}

const SEGMENT_BYTES = 1024 * 1024;
const PENDING_BYTES = 4 * 1024 * 1024;
/** Frames are no longer than this and one item: what little room there is takes them one by one. */
const FRAME_BYTES = 32 * 1024;
const RETRY_AFTER_MS = 100;
const MOST_RETRY_AFTER_MS = 5000;
/** A write that takes longer holds the application up; */
const SLOW_MS = 100;
/** after two of them the next one waits so many times as long as the last took. */
const REST_AFTER_SLOW = 10;
/** What is left of a file system is the application's. */
const SHARE_OF_FREE = 4;
/** The file system or the process has reached a limit. What is open already may be of use for the counts. */
const LIMITS = ['ENOSPC', 'EDQUOT'];

// Taken before the application can replace it (fake timers of test runners do).
const now = performance.now.bind(performance);

/** Opens nothing until the first flush with something to write. */
export function createSegmentWriter(options: SegmentWriterOptions): SegmentWriter {
  let segmentBytes = Math.min(options.segmentBytes ?? SEGMENT_BYTES, Math.max(64 * 1024, options.capBytes / 4));
  // No more than fits at once into a spool that is half empty: it could never be written.
  const pendingBytes = Math.min(options.pendingBytes ?? PENDING_BYTES, options.capBytes / 2);
  const scopes: Buffer[] = [];
  const drops = new Map<string, Drop & { count: number }>();

  let waiting = Buffer.allocUnsafe(64 * 1024);
  let used = 0;
  /** The item frame at the end of `waiting` that still takes items of the same signal and scope. */
  let open: { offset: number; type: FrameType; signal: Signal; scope: number; count: number } | null = null;

  let segment: { path: string; fd: number; dev: bigint; ino: bigint; dirIno: bigint; written: number; scopes: Set<number>; isForNotes: boolean; isBegun: boolean } | null = null;
  let segments = 0;
  let retryAt = 0;
  let retryAfter = RETRY_AFTER_MS;
  let slowWrites = 0;
  let failure = '';

  const writer: SegmentWriter = {
    append(signal, scope, item) {
      if (used + item.length + FRAME_HEADER_BYTES > pendingBytes) {
        writer.flush();
        if (used + item.length + FRAME_HEADER_BYTES > pendingBytes) return writer.drop(signal, failure || 'spool full', 1);
      }
      put(FrameType.items, signal, scope, item);
    },
    note(type, signal, scope, item) {
      if (used + item.length + FRAME_HEADER_BYTES <= pendingBytes) put(type, signal, scope, item);
    },
    defineScope(fields) {
      scopes.push(Buffer.from(fields));
      return scopes.length;
    },
    get pending() {
      return used;
    },
    drop(signal, reason, count) {
      const key = `${signal} ${reason}`;
      const known = drops.get(key);
      if (known === undefined) drops.set(key, { signal, reason, count });
      else known.count += count;
    },
    flush(isLast = false) {
      if (used === 0 && drops.size === 0) return;
      sealOpen();
      if (now() < retryAt && !isLast) return;
      attempt(write);
      if (used === 0 && drops.size === 0) return;
      if (isLast) giveUp();
      // Counts pass a full spool, and soon: the process may be killed at any time.
      attempt(writeNotes);
    },
    close() {
      writer.flush(true);
      putBack();
      endSegment();
    },
    takeUntold() {
      const untold = [...drops.values()];
      drops.clear();
      return untold;
    },
  };
  return writer;

  function put(type: FrameType, signal: Signal, scope: number, item: Uint8Array): void {
    // Before anything changes: an application whose stack is full may make any call here fail.
    reserve(item.length + FRAME_HEADER_BYTES);
    if (open === null || open.type !== type || open.signal !== signal || open.scope !== scope || used - open.offset > FRAME_BYTES) {
      sealOpen();
      open = { offset: used, type, signal, scope, count: 0 };
      used += FRAME_HEADER_BYTES;
    }
    waiting.set(item, used);
    used += item.length;
    open.count++;
  }

  function reserve(bytes: number): void {
    if (used + bytes <= waiting.length) return;
    const grown = Buffer.allocUnsafe(Math.max(waiting.length * 2, used + bytes));
    waiting.copy(grown, 0, 0, used);
    waiting = grown;
  }

  function sealOpen(): void {
    if (open === null) return;
    const length = used - open.offset - FRAME_HEADER_BYTES;
    sealFrame(waiting, open.offset, { type: open.type, signal: open.signal, scope: open.scope, count: open.count, length });
    open = null;
  }

  function attempt(step: () => void): void {
    const began = now();
    try {
      step();
      if (step !== write) return;
      failure = '';
      retryAfter = RETRY_AFTER_MS;
      yieldIfSlow(now() - began);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      failure = `spool: ${code ?? message}`;
      retryAt = now() + retryAfter;
      if (code !== 'full') retryAfter = Math.min(retryAfter * 2, MOST_RETRY_AFTER_MS);
      if (segment === null || segment.isForNotes) return;
      if (LIMITS.includes(code ?? '')) segment.isForNotes = true;
      else abandon();
    }
  }

  function yieldIfSlow(tookMs: number): void {
    slowWrites = tookMs < SLOW_MS ? 0 : slowWrites + 1;
    if (slowWrites < 2) return;
    failure = 'spool: slow';
    retryAt = now() + Math.min(tookMs * REST_AFTER_SLOW, MOST_RETRY_AFTER_MS);
  }

  /** Counts what waits as lost. */
  function giveUp(): void {
    for (let at = 0; at < used; at += FRAME_HEADER_BYTES + waiting.readUInt32LE(at + 12)) {
      if (waiting[at + 4] === FrameType.items) writer.drop(waiting[at + 5] as Signal, failure, waiting.readUInt32LE(at + 8));
    }
    used = 0;
  }

  function write(): void {
    if (segment !== null && !stillOurs() && !putBack()) endSegment();
    if (segment !== null && segment.written + used > segmentBytes) endSegment();
    if (segment === null || segment.isForNotes) {
      makeHandOffDirectory(options.dir);
      if (used > 0) findRoom();
      if (segment === null) openSegment();
    }
    if (!segment!.isBegun) {
      segment!.isBegun = true;
      options.onSegment?.();
      sealOpen();
    }
    segment!.isForNotes = false;
    const missing = scopesUsed().filter((scope) => !segment!.scopes.has(scope));
    if (missing.length > 0) {
      const frames = missing.map((scope) => encodeFrame({ type: FrameType.scope, scope, payload: scopes[scope - 1]! }));
      writeAll(Buffer.concat(frames));
      for (const scope of missing) segment!.scopes.add(scope);
    }
    if (!writeWaiting()) return write();
    if (waiting.length > 1024 * 1024) waiting = Buffer.allocUnsafe(64 * 1024);
    writeNotes();
  }

  /** The run's own bound, and for what others have put there since: never more than a quarter of what we could have. */
  function findRoom(): void {
    const bytes = spoolBytes(options.dir);
    if (bytes + used > Math.min(options.capBytes, (freeBytes(options.dir) + bytes) / SHARE_OF_FREE)) throw Object.assign(new Error('full'), { code: 'full' });
  }

  /**
   * Where a disk is full in the middle, the whole frames before that are written: they must not be written again. The rest of
   * one is cut off: its room takes the counts. False where the process may write no longer files: the rest goes into the next.
   */
  function writeWaiting(): boolean {
    let written = 0;
    try {
      while (written < used) written += writeSync(segment!.fd, waiting, written, used - written);
      segment!.written += used;
      used = 0;
      return true;
    } catch (error) {
      let whole = 0;
      for (let next = 0; next <= written; next += FRAME_HEADER_BYTES + waiting.readUInt32LE(next + 12)) whole = next;
      waiting.copy(waiting, 0, whole, used);
      used -= whole;
      segment!.written += whole;
      cutOff();
      if (whole === 0 || (error as NodeJS.ErrnoException).code !== 'EFBIG') throw error;
      segmentBytes = Math.min(segmentBytes, segment!.written);
      abandon();
      return false;
    }
  }

  function writeNotes(): void {
    if (drops.size === 0) return;
    if (segment !== null && !stillOurs()) endSegment();
    if (segment === null) {
      makeHandOffDirectory(options.dir);
      openSegment();
      segment!.isForNotes = true;
    }
    const notes = [...drops.values()].map(({ signal, reason, count }) =>
      encodeFrame({ type: FrameType.drops, signal, count, payload: Buffer.from(JSON.stringify({ reason })) }),
    );
    writeAll(Buffer.concat(notes));
    drops.clear();
  }

  /** Scopes named by the sealed item frames that wait. */
  function scopesUsed(): number[] {
    const found = new Set<number>();
    for (let at = 0; at < used; at += FRAME_HEADER_BYTES + waiting.readUInt32LE(at + 12)) found.add(waiting.readUInt16LE(at + 6));
    found.delete(0);
    return [...found];
  }

  function openSegment(): void {
    const { pid, thread, start } = options.owner;
    const path = join(options.dir, `${pid}-${thread}-${start ?? 0}-${segments++}.seg`);
    const { fd, ...file } = openFile(path);
    try {
      segment = { path, fd, ...file, written: 0, scopes: new Set(), isForNotes: false, isBegun: false };
      writeAll(
        Buffer.concat([
          encodeFrame({ type: FrameType.owner, payload: Buffer.from(JSON.stringify(options.owner)) }),
          encodeFrame({ type: FrameType.resource, payload: options.resource }),
        ]),
      );
    } catch (error) {
      // Without its head a segment is of no use.
      segment = null;
      closeSync(fd);
      unlinkSync(path);
      throw error;
    }
  }

  /** New, and for reading as well: see {@link putBack}. */
  function openFile(path: string): { fd: number; dev: bigint; ino: bigint; dirIno: bigint } {
    const fd = openSync(path, 'ax+', 0o600);
    try {
      const dir = statSync(options.dir, { bigint: true });
      // A directory that hands its group down is read by that group: by a launcher that is root and has no other right to it.
      if ((dir.mode & S_ISGID) !== 0n) fchmodSync(fd, 0o640);
      const { dev, ino } = fstatSync(fd, { bigint: true });
      return { fd, dev, ino, dirIno: dir.ino };
    } catch (error) {
      closeSync(fd);
      unlinkSync(path);
      throw error;
    }
  }

  /**
   * Where the whole directory was removed, nobody knows how much of a segment had been read: it is put back under its name,
   * and a reader goes on where it was. One that is gone alone was removed by its reader. False where there was nothing to do.
   */
  function putBack(): boolean {
    if (segment === null) return false;
    let fresh: ReturnType<typeof openFile> | null = null;
    const { path, fd: old, dirIno } = segment;
    const unfinished = `${path}.new`;
    try {
      if (statOfOurs()?.nlink !== 0n || statSync(options.dir, { bigint: true, throwIfNoEntry: false })?.ino === dirIno) return false;
      makeHandOffDirectory(options.dir);
      const bytes = Buffer.allocUnsafe(segment.written);
      if (readSync(old, bytes, 0, bytes.length, 0) < bytes.length) return false;
      fresh = openFile(unfinished);
      if (writeSync(fresh.fd, bytes) < bytes.length) throw new Error('no room');
      renameSync(unfinished, path);
      segment = { ...segment, ...fresh };
      closeSync(old);
      return true;
    } catch {
      if (fresh !== null && segment.fd !== fresh.fd) {
        closeSync(fresh.fd);
        rmSync(unfinished, { force: true });
      }
      return false;
    }
  }

  /** What has been removed gets its end as well: a reader may still hold it. */
  function endSegment(): void {
    if (segment === null) return;
    try {
      if (statOfOurs() !== null) writeAll(encodeFrame({ type: FrameType.end }));
    } catch {
      // Readers recognise the end of a segment by the end of its writer as well.
    }
    abandon();
  }

  /**
   * An application that closes every descriptor and opens a file of its own gets our number: never write there. What is
   * written to a file that has been removed is lost.
   */
  function stillOurs(): boolean {
    const stat = statOfOurs();
    return stat !== null && stat.nlink > 0n;
  }

  function statOfOurs(): BigIntStats | null {
    try {
      const stat = fstatSync(segment!.fd, { bigint: true });
      return stat.dev === segment!.dev && stat.ino === segment!.ino ? stat : null;
    } catch {
      return null;
    }
  }

  function writeAll(bytes: Buffer): void {
    let offset = 0;
    try {
      while (offset < bytes.length) offset += writeSync(segment!.fd, bytes, offset);
    } catch (error) {
      cutOff();
      throw error;
    }
    segment!.written += bytes.length;
  }

  /** Takes back what was written of a frame that did not fit. */
  function cutOff(): void {
    try {
      ftruncateSync(segment!.fd, segment!.written);
    } catch {
      // Readers pass a torn frame over.
    }
  }

  function abandon(): void {
    if (segment === null) return;
    try {
      if (statOfOurs() !== null) closeSync(segment.fd);
    } catch {
      // Nothing to do about a descriptor that does not close.
    }
    segment = null;
  }
}

const S_ISGID = 0o2000n;

function freeBytes(dir: string): number {
  try {
    const stat = statfsSync(dir);
    return stat.bavail * stat.bsize;
  } catch {
    return Infinity;
  }
}
