import { FRAME_HEADER_BYTES, MAX_PAYLOAD_BYTES, SYNC_MARK, checksum, type Frame } from './frame.ts';

export interface ScanResult {
  readonly frames: readonly Frame[];
  /** Offset in `bytes` behind the last whole frame: where the next scan starts. */
  readonly consumed: number;
  /** Bytes that belong to no whole frame and were passed over (a torn or corrupt frame). */
  readonly skipped: number;
}

/** Times the size of what is read: checksums that were computed and did not match. */
const MOST_IN_VAIN = 32;
const SYNC_BYTES = Buffer.from([SYNC_MARK & 0xff, (SYNC_MARK >> 8) & 0xff, (SYNC_MARK >> 16) & 0xff, SYNC_MARK >>> 24]);

/**
 * Reads the whole frames at the start of `bytes`. Payloads are views on `bytes`.
 * A frame that is not complete yet is left for the next scan, unless `final` says that no more will come.
 * A frame with a wrong mark, an absurd length or a wrong checksum is passed over up to the next mark that
 * starts a sound frame.
 */
export function scanFrames(bytes: Buffer, final: boolean): ScanResult {
  const frames: Frame[] = [];
  let offset = 0;
  let skipped = 0;
  let inVain = 0;
  while (bytes.length - offset >= FRAME_HEADER_BYTES) {
    const length = soundLength(bytes, offset);
    const end = offset + FRAME_HEADER_BYTES + length;
    if (length >= 0 && end > bytes.length && !final) break;
    if (length < 0 || end > bytes.length || bytes.readUInt32LE(offset + 16) !== checksum(bytes, offset, length)) {
      if (length > 0 && end <= bytes.length) inVain += length;
      // Marks everywhere, each with a length that fits, would have every byte summed up as often as there are marks.
      const next = inVain > MOST_IN_VAIN * bytes.length ? -1 : nextMark(bytes, offset + 1);
      if (next < 0) {
        // A mark may be cut in two by the end of what has been read so far.
        const keep = final ? 0 : SYNC_BYTES.length - 1;
        skipped += Math.max(0, bytes.length - keep - offset);
        offset = Math.max(offset, bytes.length - keep);
        return { frames, consumed: offset, skipped };
      }
      skipped += next - offset;
      offset = next;
      continue;
    }
    frames.push({
      type: bytes[offset + 4]!,
      signal: bytes[offset + 5]!,
      scope: bytes.readUInt16LE(offset + 6),
      count: bytes.readUInt32LE(offset + 8),
      payload: bytes.subarray(offset + FRAME_HEADER_BYTES, end),
    });
    offset = end;
  }
  if (final) {
    skipped += bytes.length - offset;
    offset = bytes.length;
  }
  return { frames, consumed: offset, skipped };
}

function soundLength(bytes: Buffer, offset: number): number {
  if (bytes.readUInt32LE(offset) !== SYNC_MARK) return -1;
  const length = bytes.readUInt32LE(offset + 12);
  return length > MAX_PAYLOAD_BYTES ? -1 : length;
}

function nextMark(bytes: Buffer, from: number): number {
  return bytes.indexOf(SYNC_BYTES, from);
}
