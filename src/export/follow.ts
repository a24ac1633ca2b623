import { closeSync, constants, lstatSync, openSync, readSync } from 'node:fs';
import type { SignalName } from '../plan/types.ts';
import { FRAME_HEADER_BYTES, FrameType, MAX_PAYLOAD_BYTES, Signal, type DropNote, type Frame, type SegmentOwner } from '../spool/frame.ts';
import { bootId, pidNamespace, readOwner } from '../spool/owner.ts';
import { scanFrames } from '../spool/scan.ts';
import { encodeCrashEvent, encodeCrashRecord, judgeEnding, noLife, readLife, type Crash, type Life } from './crash.ts';
import type { Endings } from './endings.ts';
import { nanos } from './nanos.ts';
import { ownScope } from './own/scope.ts';
import { countItems, splitPart, type Part } from './request.ts';
import { splitName, type Segment, type SpoolView } from './spool-view.ts';
import { collectStarts, type OpenStarts } from './unfinished.ts';

/** Consecutive items of one frame, or a writer's note of items that it had to drop. */
export interface Chunk {
  /** Null for what stands in no segment. */
  readonly segment: Segment | null;
  /** Null for a note. */
  readonly part: Part | null;
  readonly count: number;
  /** Why the items are lost already. */
  readonly lost: string | null;
  /** Goes into what is read next that stands in no segment, and is settled with it. */
  readonly held?: true;
}

export interface Follower {
  /** The next chunks, of one read; null where nothing more has been written yet. */
  read(): Chunk[] | null;
  /** Everything that this segment will ever hold has been returned by {@link Follower.read}. */
  hasReadAll(segment: Segment): boolean;
  /** Bytes written and not read. */
  unread(): number;
  /** Bytes passed over because they belong to no whole frame. */
  readonly torn: number;
  /** Nothing more is to be waited for: the next reads give all that there is; with `last` nothing will be read behind them. */
  finish?(last?: boolean): void;
}

export interface FollowOptions {
  readonly view: SpoolView;
  readonly signal: SignalName;
  /** Bounds of one chunk. They must not change within a run: {@link FollowOptions.skip} counts chunks. */
  readonly maxItems: number;
  readonly maxBytes: number;
  /** Chunks at the start of a segment that have been settled already, by name. */
  readonly skip: Readonly<Record<string, number>>;
  /** What is heard of the ends of processes; without it nothing is waited for. */
  readonly endings?: Endings;
}

interface Progress {
  offset: number;
  resource: Buffer;
  readonly scopes: Map<number, Buffer>;
  readonly starts: OpenStarts;
  readonly life: Life;
  /** When its writer was missed first (a time of day), or null. */
  missedAt: number | null;
  toSkip: number;
  done: boolean;
}

const WINDOW_BYTES = 256 * 1024;
const NOTHING = Buffer.alloc(0);
/** Whoever waits for a process hears of its end a little later than we miss it. */
const HEARSAY_MS = 1000;

/** Reads the chunks of one signal from all segments, each once and in the order of each writer. */
export function followSpool({ view, signal, maxItems, maxBytes, skip, endings }: FollowOptions): Follower {
  const wanted: number = Signal[signal];
  const here = { pidNamespace: pidNamespace(), boot: bootId() };
  const progress = new Map<string, Progress>();
  /** By writer, the highest number of a segment that was seen. */
  const latest = new Map<string, number>();
  let torn = 0;
  let isFinishing = false;

  const follower: Follower = {
    read() {
      for (const name of progress.keys()) if (!view.segments.has(name) && !view.mayReturn(name)) progress.delete(name);
      for (const segment of view.segments.values()) {
        const at = progressOf(segment);
        while (!at.done && (segment.size > at.offset || segment.writerEnded)) {
          const { chunks, moved } = readOnce(segment, at);
          if (chunks.length > 0) return chunks;
          if (!moved) break;
        }
      }
      return null;
    },
    hasReadAll: (segment) => progressOf(segment).done,
    unread() {
      let sum = 0;
      for (const segment of view.segments.values()) sum += Math.max(0, segment.size - progressOf(segment).offset);
      return sum;
    },
    get torn() {
      return torn;
    },
    finish() {
      isFinishing = true;
    },
  };
  return follower;

  function progressOf(segment: Segment): Progress {
    let at = progress.get(segment.name);
    if (at === undefined) {
      at = { offset: 0, resource: NOTHING, scopes: new Map(), starts: collectStarts(), life: noLife(), missedAt: null, toSkip: skip[segment.name] ?? 0, done: false };
      progress.set(segment.name, at);
      const { writer, number } = splitName(segment.name);
      latest.set(writer, Math.max(number, latest.get(writer) ?? 0));
    }
    return at;
  }

  function readOnce(segment: Segment, at: Progress): { chunks: Chunk[]; moved: boolean } {
    const left = segment.size - at.offset;
    let bytes = readAt(segment.path, at.offset, Math.min(left, WINDOW_BYTES));
    let isLast = bytes.length >= left;
    let result = scanFrames(bytes, isLast && segment.writerEnded);
    if (result.consumed === 0 && !isLast) {
      bytes = readAt(segment.path, at.offset, Math.min(left, MAX_PAYLOAD_BYTES + FRAME_HEADER_BYTES));
      isLast = bytes.length >= left;
      result = scanFrames(bytes, isLast && segment.writerEnded);
    }
    at.offset += result.consumed;
    torn += result.skipped;
    const found = result.frames.flatMap((frame) => take(segment, at, frame));
    // A frame that claims more than there is, with its writer gone, was passed over by the final scan.
    if (!at.done && segment.writerEnded && isLast && at.offset >= segment.size && !waitsForHearsay(segment, at)) {
      at.done = true;
      found.push(...unfinished(segment, at));
    }
    const skipped = Math.min(at.toSkip, found.length);
    at.toSkip -= skipped;
    return { chunks: found.slice(skipped), moved: result.consumed > 0 };
  }

  /** Until it is known how the process has ended, or nobody will say so any more. */
  function waitsForHearsay(segment: Segment, at: Progress): boolean {
    at.missedAt ??= Date.now();
    if (endings === undefined || isFinishing || wanted === Signal.metrics || !isCutOff(segment)) return false;
    const { pid } = segment.owner!;
    return endings.of(pid, lastWriteMs(segment), at.missedAt) === null && at.life.lastWord === null && Date.now() - at.missedAt < HEARSAY_MS;
  }

  /** It is the last one of a writer that is gone without a word. */
  function isCutOff(segment: Segment): boolean {
    const { writer, number } = splitName(segment.name);
    for (const other of view.segments.values()) progressOf(other);
    const isGone = segment.owner !== null && (segment.owner.pidNamespace === here.pidNamespace || segment.owner.boot !== here.boot);
    return isGone && latest.get(writer) === number;
  }

  /** What a writer that is gone without a word had begun: as its last segment says. */
  function unfinished(segment: Segment, at: Progress): Chunk[] {
    if (wanted === Signal.metrics || !isCutOff(segment)) return [];
    const crash = judge(segment, at, false);
    if (wanted === Signal.logs) return crash === null ? [] : record(segment, at, crash, endings === undefined ? lastWrite(segment.path) : nanos(at.missedAt!));
    const end = lastWrite(segment.path);
    const spans = at.starts.finish(end, crash === null ? NOTHING : encodeCrashEvent(crash, end));
    return spans.flatMap(({ scope, items, count }) => cut(segment, { resource: at.resource, scope: at.scopes.get(scope) ?? NOTHING, items, count }));
  }

  function judge(segment: Segment, at: Progress, isOver: boolean): Crash | null {
    const { pid } = segment.owner!;
    const [heardAt, missedAt] = [lastWriteMs(segment), at.missedAt ?? Date.now()];
    const [ending, wasTold] = [endings?.of(pid, heardAt, missedAt) ?? null, endings?.wasTold(missedAt) ?? false];
    // What an earlier run has left was missed by nobody.
    return judgeEnding(at.life, { pid, isOver, endedAt: endings === undefined ? heardAt : missedAt, ending, wasTold, spans: isOver ? [] : at.starts.openSpans() });
  }

  /** A thread may end as it likes: the process lives on, and tells of it what it wants. */
  function record(segment: Segment, at: Progress, crash: Crash, end: bigint): Chunk[] {
    if (segment.owner!.thread !== 0) return [];
    const items = encodeCrashRecord(crash, end, nanos(Date.now()));
    return cut(segment, { resource: at.resource, scope: ownScope(), items, count: 1 });
  }

  function take(segment: Segment, at: Progress, frame: Frame): Chunk[] {
    const { type, payload, count } = frame;
    if (type === FrameType.owner) segment.owner ??= ownerIn(payload);
    else if (type === FrameType.resource) at.resource = Buffer.from(payload);
    else if (type === FrameType.scope) at.scopes.set(frame.scope, Buffer.from(payload));
    else if (type === FrameType.end) return end(segment, at);
    else if (type === FrameType.life) readNotes(segment, at, payload);
    else if (frame.signal === Signal.traces && type === FrameType.ended) at.starts.end(payload);
    else if (frame.signal === Signal.traces && type === FrameType.starts) beginSpans(at.starts, frame);
    else {
      // It has lived on.
      at.life.lastWord = null;
      if (frame.signal !== wanted) return [];
      if (type === FrameType.drops) return [{ segment, part: null, count, lost: readReason(payload) }];
      if (type === FrameType.items) return cut(segment, { resource: at.resource, scope: at.scopes.get(frame.scope) ?? NOTHING, items: payload, count });
    }
    return [];
  }

  function end(segment: Segment, at: Progress): Chunk[] {
    at.done = true;
    if (wanted !== Signal.logs || segment.owner === null) return [];
    const crash = judge(segment, at, true);
    return crash === null ? [] : record(segment, at, crash, lastWrite(segment.path));
  }

  function readNotes(segment: Segment, at: Progress, payload: Buffer): void {
    try {
      readLife(at.life, payload, (pid, signal, when) => endings?.sent(pid, signal, when), segment.owner?.pid ?? 0);
    } catch {
      // The record of a crash would say less.
    }
  }

  function cut(segment: Segment, whole: Part): Chunk[] {
    try {
      // No item is shorter than two bytes: more of them are a lie, which would reach the account.
      if (whole.count * 2 > whole.items.length) whole = { ...whole, count: countItems(whole.items) };
      return splitPart(whole, maxItems, maxBytes).map((part) => ({ segment, part, count: part.count, lost: null }));
    } catch {
      return [{ segment, part: null, count: Math.min(whole.count, Math.ceil(whole.items.length / 2)), lost: 'unreadable in the spool' }];
    }
  }
}

function beginSpans(starts: OpenStarts, { scope, payload }: Frame): void {
  try {
    starts.begin(scope, payload);
  } catch {
    // They end as items, or are not known.
  }
}

/** Nanoseconds since 1970; 0 where the file is gone. */
function lastWrite(path: string): bigint {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.mtimeNs ?? 0n;
}

function lastWriteMs({ path }: Segment): number {
  return Number(lastWrite(path) / 1_000_000n);
}

function readAt(path: string, offset: number, length: number): Buffer {
  if (length <= 0) return NOTHING;
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch {
    return NOTHING; // gone, or out of descriptors: the next poll tries again
  }
  try {
    const buffer = Buffer.allocUnsafeSlow(length);
    let read = 0;
    while (read < length) {
      const got = readSync(fd, buffer, read, length - read, offset + read);
      if (got === 0) break;
      read += got;
    }
    return buffer.subarray(0, read);
  } catch {
    return NOTHING;
  } finally {
    closeSync(fd);
  }
}

function ownerIn(payload: Buffer): SegmentOwner | null {
  try {
    return readOwner(JSON.parse(payload.toString('utf8')));
  } catch {
    return null;
  }
}

function readReason(payload: Buffer): string {
  try {
    const { reason } = JSON.parse(payload.toString('utf8')) as Partial<DropNote>;
    return typeof reason === 'string' ? reason.slice(0, 200) : 'dropped in the application';
  } catch {
    return 'dropped in the application';
  }
}
