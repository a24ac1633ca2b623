/**
 * The frame: the unit of a segment file, and the only format that both sides of the hand-off share.
 *
 *     offset  size  field (little endian)
 *     0       4     sync mark "OTR1"
 *     4       1     type     (FrameType)
 *     5       1     signal   (Signal; 0 where it has no meaning)
 *     6       2     scope    (number given by a scope frame of the same segment; 0 = none)
 *     8       4     count    (items in the payload)
 *     12      4     length   (bytes of the payload)
 *     16      4     CRC-32 of bytes 4..16 and the payload
 *     20      …     payload
 *
 * Payloads of resource, scope and item frames are OTLP protobuf fields, tag and length included, so that an
 * export request is made by prefixing lengths, without decoding
 * (https://github.com/open-telemetry/opentelemetry-proto: field numbers of Resource…, Scope… and their items
 * are the same for the three signals).
 */
import { crc32 } from 'node:zlib';

export const FRAME_HEADER_BYTES = 20;
export const SYNC_MARK = 0x3152_544f; // "OTR1"
/** A frame that claims more than this is taken for garbage. The writer never makes one near it. */
export const MAX_PAYLOAD_BYTES = 16 * 1024 * 1024;

export const FrameType = {
  /** JSON {@link SegmentOwner}: whose segment this is. First frame of every segment. */
  owner: 1,
  /** Fields of ResourceSpans/-Metrics/-Logs: `resource = 1`, `schema_url = 3`. */
  resource: 2,
  /** Fields of ScopeSpans/-Metrics/-Logs: `scope = 1`, `schema_url = 3`. */
  scope: 3,
  /** Fields `2` of Scope…: spans, metrics or log records, `count` of them. */
  items: 4,
  /** JSON {@link DropNote}: items of `signal` that were counted and not written. */
  drops: 5,
  /** No payload: nothing follows, the writer has moved on or has ended. */
  end: 6,
  /**
   * As {@link FrameType.items}: spans that have begun, `count` of them, with what was known of them then. Written again into
   * each later segment, so that the last one of a writer that was killed names every span that it left open.
   */
  starts: 7,
  /** Ids (8 bytes each) of spans in `starts` of this segment that have ended or are not followed any more. */
  ended: 8,
  /** Lines of JSON {@link LifeNote}: what a process knows of itself, should it not be able to say anything any more. */
  life: 9,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export const Signal = { none: 0, traces: 1, metrics: 2, logs: 3 } as const;
export type Signal = (typeof Signal)[keyof typeof Signal];

/** Who writes a segment. Start time and boot id keep a reused pid from being taken for the writer. */
export interface SegmentOwner {
  readonly pid: number;
  /** Worker thread id, 0 for the main thread. */
  readonly thread: number;
  /** Clock ticks since boot at which the process started (/proc/<pid>/stat, field 22), or null. */
  readonly start: string | null;
  /** Inode of the pid namespace, or null. */
  readonly pidNamespace: string | null;
  readonly boot: string | null;
}

export interface DropNote {
  readonly reason: string;
}

/** What is known of a process, for the record of its crash. Each note holds some of these. */
export interface LifeNote {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** In bytes. */
  readonly memory?: { readonly rss: number; readonly heapUsed: number; readonly heapLimit?: number };
  /** Its stdin is a terminal: whoever sits there sees how it ends, and ends it with Ctrl-C. */
  readonly terminal?: boolean;
  /** Nobody has caught it; the application may survive it. */
  readonly exception?: LifeException;
  /** It ends by that exception, with this code, while these spans are open. */
  readonly crash?: { readonly code: number; readonly open: number; readonly openSpans: readonly string[] };
  /** It is about to abort. */
  readonly aborts?: boolean;
  /** It sends a signal, to itself or to another process. */
  readonly sends?: { readonly pid: number; readonly signal: string };
}

export interface LifeException {
  readonly type: string;
  readonly message: string;
  readonly stacktrace: string;
  readonly isRejection: boolean;
  /** The span in which it was thrown, where it is known, in hexadecimal digits. */
  readonly traceId?: string;
  readonly spanId?: string;
}

export interface Frame {
  readonly type: number;
  readonly signal: number;
  readonly scope: number;
  readonly count: number;
  readonly payload: Buffer;
}

/** Writes the header of a frame whose payload already stands behind it in `buffer`. */
export function sealFrame(
  buffer: Buffer,
  offset: number,
  frame: { type: FrameType; signal: Signal; scope: number; count: number; length: number },
): void {
  buffer.writeUInt32LE(SYNC_MARK, offset);
  buffer[offset + 4] = frame.type;
  buffer[offset + 5] = frame.signal;
  buffer.writeUInt16LE(frame.scope, offset + 6);
  buffer.writeUInt32LE(frame.count, offset + 8);
  buffer.writeUInt32LE(frame.length, offset + 12);
  buffer.writeUInt32LE(checksum(buffer, offset, frame.length), offset + 16);
}

export function encodeFrame(frame: {
  type: FrameType;
  signal?: Signal;
  scope?: number;
  count?: number;
  payload?: Uint8Array;
}): Buffer {
  const payload = frame.payload ?? new Uint8Array(0);
  const buffer = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  buffer.set(payload, FRAME_HEADER_BYTES);
  sealFrame(buffer, 0, {
    type: frame.type,
    signal: frame.signal ?? Signal.none,
    scope: frame.scope ?? 0,
    count: frame.count ?? 0,
    length: payload.length,
  });
  return buffer;
}

/** The CRC-32 that a frame at `offset` must carry. */
export function checksum(buffer: Buffer, offset: number, length: number): number {
  const payload = offset + FRAME_HEADER_BYTES;
  const head = crc32(buffer.subarray(offset + 4, offset + 16));
  return crc32(buffer.subarray(payload, payload + length), head) >>> 0;
}
