import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, statSync, writeSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { FRAME_HEADER_BYTES, FrameType, Signal, encodeFrame, sealFrame, type SegmentOwner } from './frame.ts';

export interface SegmentWriterOptions {
  /** The run's spool directory; made (0700) where it alone is missing. */
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
  note(type: typeof FrameType.starts | typeof FrameType.ended, signal: Signal, scope: number, item: Uint8Array): void;
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
}

const SEGMENT_BYTES = 1024 * 1024;
const PENDING_BYTES = 4 * 1024 * 1024;
const RETRY_AFTER_MS = 100;

/** Opens nothing until the first flush with something to write. */
export function createSegmentWriter(options: SegmentWriterOptions): SegmentWriter {
  const segmentBytes = Math.min(options.segmentBytes ?? SEGMENT_BYTES, Math.max(64 * 1024, options.capBytes / 4));
  // No more than fits at once into a spool that is half empty: it could never be written.
  const pendingBytes = Math.min(options.pendingBytes ?? PENDING_BYTES, options.capBytes / 2);
  const scopes: Buffer[] = [];
  const drops = new Map<string, { signal: Signal; reason: string; count: number }>();

  let waiting = Buffer.allocUnsafe(64 * 1024);
  let used = 0;
  /** The item frame at the end of `waiting` that still takes items of the same signal and scope. */
  let open: { offset: number; type: FrameType; signal: Signal; scope: number; count: number } | null = null;

  let segment: { fd: number; dev: bigint; ino: bigint; written: number; scopes: Set<number>; isForNotes: boolean } | null = null;
  let segments = 0;
  let retryAt = 0;
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
      if (failure !== '' && Date.now() < retryAt && !isLast) return;
      attempt(write);
      if (failure === '') return;
      if (isLast) giveUp();
      // Counts pass a full spool, and soon: the process may be killed at any time.
      attempt(writeNotes);
    },
    close() {
      writer.flush(true);
      if (segment === null) return;
      try {
        if (stillOurs()) writeAll(encodeFrame({ type: FrameType.end }));
      } catch {
        // The exporter recognises the end of a segment by the end of its writer as well.
      }
      abandon();
    },
  };
  return writer;

  function put(type: FrameType, signal: Signal, scope: number, item: Uint8Array): void {
    if (open === null || open.type !== type || open.signal !== signal || open.scope !== scope) {
      sealOpen();
      reserve(FRAME_HEADER_BYTES);
      open = { offset: used, type, signal, scope, count: 0 };
      used += FRAME_HEADER_BYTES;
    }
    reserve(item.length);
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
    try {
      step();
      if (step === write) failure = '';
    } catch (error) {
      failure = `spool: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`;
      retryAt = Date.now() + RETRY_AFTER_MS;
      if (segment?.isForNotes !== true) abandon();
    }
  }

  /** Counts what waits as lost. */
  function giveUp(): void {
    for (let at = 0; at < used; at += FRAME_HEADER_BYTES + waiting.readUInt32LE(at + 12)) {
      if (waiting[at + 4] === FrameType.items) writer.drop(waiting[at + 5] as Signal, failure, waiting.readUInt32LE(at + 8));
    }
    used = 0;
  }

  function write(): void {
    if (segment !== null && !stillOurs()) segment = null; // the application closed it: the number may be its own file now
    if (segment !== null && segment.written + used > segmentBytes) endSegment();
    if (segment === null || segment.isForNotes) {
      makeDirectory(options.dir);
      if (used > 0 && spoolBytes(options.dir) + used > options.capBytes) throw Object.assign(new Error('full'), { code: 'full' });
      if (segment === null) openSegment();
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
    writeWaiting();
    if (waiting.length > 1024 * 1024) waiting = Buffer.allocUnsafe(64 * 1024);
    writeNotes();
  }

  /** Where a disk is full in the middle, the whole frames before that are written: they must not be written again. */
  function writeWaiting(): void {
    let written = 0;
    try {
      while (written < used) written += writeSync(segment!.fd, waiting, written, used - written);
      segment!.written += used;
      used = 0;
    } catch (error) {
      let whole = 0;
      for (let next = 0; next <= written; next += FRAME_HEADER_BYTES + waiting.readUInt32LE(next + 12)) whole = next;
      waiting.copy(waiting, 0, whole, used);
      used -= whole;
      throw error;
    }
  }

  function writeNotes(): void {
    if (drops.size === 0) return;
    if (segment !== null && !stillOurs()) segment = null;
    if (segment === null) {
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
    makeDirectory(options.dir);
    const { pid, thread, start } = options.owner;
    const name = `${pid}-${thread}-${start ?? 0}-${segments++}.seg`;
    const fd = openSync(join(options.dir, name), 'ax', 0o600);
    const stat: BigIntStats = fstatSync(fd, { bigint: true });
    segment = { fd, dev: stat.dev, ino: stat.ino, written: 0, scopes: new Set(), isForNotes: false };
    writeAll(
      Buffer.concat([
        encodeFrame({ type: FrameType.owner, payload: Buffer.from(JSON.stringify(options.owner)) }),
        encodeFrame({ type: FrameType.resource, payload: options.resource }),
      ]),
    );
  }

  function endSegment(): void {
    writeAll(encodeFrame({ type: FrameType.end }));
    abandon();
  }

  /** An application that closes every descriptor and opens a file of its own gets our number: never write there. */
  function stillOurs(): boolean {
    try {
      const stat = fstatSync(segment!.fd, { bigint: true });
      return stat.dev === segment!.dev && stat.ino === segment!.ino;
    } catch {
      return false;
    }
  }

  function writeAll(bytes: Buffer): void {
    let offset = 0;
    while (offset < bytes.length) offset += writeSync(segment!.fd, bytes, offset);
    segment!.written += bytes.length;
  }

  function abandon(): void {
    if (segment === null) return;
    try {
      if (stillOurs()) closeSync(segment.fd);
    } catch {
      // Nothing to do about a descriptor that does not close.
    }
    segment = null;
  }
}

/** Not `recursive`: Node then tries for ever where a file system refuses with ENOENT (/proc, a removed working directory). */
function makeDirectory(dir: string): void {
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Bytes of all segments in `dir`. A file that vanishes meanwhile was acknowledged. */
export function spoolBytes(dir: string): number {
  let sum = 0;
  for (const name of readdirSync(dir)) {
    if (!name.endsWith('.seg')) continue;
    try {
      sum += statSync(join(dir, name)).size;
    } catch {
      continue;
    }
  }
  return sum;
}
