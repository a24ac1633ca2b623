/**
 * Spans that their process began and, killed or crashed, could not end: made of the starts that its last segment holds.
 * The fields that are missing are put behind those that are there, which protobuf allows.
 */
import { lengthDelimited, splitFields } from './request.ts';

export interface OpenStarts {
  /** Payload of a frame of starts. Throws where it is unsound. */
  begin(scope: number, payload: Buffer): void;
  /** Payload of a frame of ends. */
  end(payload: Buffer): void;
  /** The oldest first. */
  openSpans(): OpenSpan[];
  /** The spans that are open, ended at that moment (nanoseconds) and marked, each with that event where there is one, by scope. */
  finish(at: bigint, event: Buffer): { scope: number; items: Buffer; count: number }[];
}

export interface OpenSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
}

/** As the agent marks those that it can still end itself; what ended the process is not known here. */
const UNFINISHED = { key: 'otel_run.unfinished', reason: 'killed' };

/** An agent follows fewer; what says otherwise is no agent. */
const MAX_OPEN = 8192;
const MAX_BYTES = 2 * 1024 * 1024;

export function collectStarts(): OpenStarts {
  const open = new Map<string, { scope: number; span: Buffer }>();
  let bytes = 0;
  return {
    begin(scope, payload) {
      for (const { content } of splitFields(payload)) {
        const id = spanIdOf(content);
        if (id === null || open.has(id) || open.size >= MAX_OPEN || bytes + content.length > MAX_BYTES) continue;
        bytes += content.length;
        open.set(id, { scope, span: Buffer.from(content) });
      }
    },
    end(payload) {
      for (let at = 0; at + ID_BYTES <= payload.length; at += ID_BYTES) {
        const id = payload.toString('hex', at, at + ID_BYTES);
        bytes -= open.get(id)?.span.length ?? 0;
        open.delete(id);
      }
    },
    openSpans: () => [...open.values()].map(({ span }) => ({ name: nameOf(span), traceId: span.toString('hex', 2, 18), spanId: span.toString('hex', 20, 28) })),
    finish(at, event) {
      const scopes = new Map<number, Buffer[]>();
      for (const { scope, span } of open.values()) {
        const item = finishSpan(span, at, event);
        const items = scopes.get(scope);
        if (items === undefined) scopes.set(scope, [item]);
        else items.push(item);
      }
      open.clear();
      return [...scopes].map(([scope, items]) => ({ scope, items: Buffer.concat(items), count: items.length }));
    },
  };
}

const ID_BYTES = 8;

/** The agent writes trace id and span id first. */
function spanIdOf(span: Buffer): string | null {
  if (span[0] !== 0x0a || span[1] !== 16 || span[18] !== 0x12 || span[19] !== ID_BYTES || span.length < 28) return null;
  return span.toString('hex', 20, 28);
}

function finishSpan(span: Buffer, at: bigint, event: Buffer): Buffer {
  const started = startTimeOf(span);
  const end = Buffer.alloc(9);
  end[0] = 0x41; // end_time_unix_nano = 8
  end.writeBigUInt64LE(at > started ? at : started, 1); // a file's time is coarser than a span's
  const content = Buffer.concat([span, end, MARK, event]);
  return lengthDelimited(0x12, content);
}

/** attributes = 9: KeyValue { key = 1, value = 2: AnyValue { string_value = 1 } } */
const MARK = lengthDelimited(0x4a, Buffer.concat([lengthDelimited(0x0a, Buffer.from(UNFINISHED.key)), lengthDelimited(0x12, lengthDelimited(0x0a, Buffer.from(UNFINISHED.reason)))]));

/** start_time_unix_nano = 7; 0 where there is none. */
function startTimeOf(span: Buffer): bigint {
  const at = placeOf(span, 0x39)?.from ?? span.length;
  return at + 8 <= span.length ? span.readBigUInt64LE(at) : 0n;
}

/** name = 5 */
function nameOf(span: Buffer): string {
  const place = placeOf(span, 0x2a);
  return place === null ? '' : span.toString('utf8', place.from, Math.min(place.to, place.from + MOST_NAME_BYTES));
}

const MOST_NAME_BYTES = 200;

/** Where the content of the first field with this tag stands; null where there is none. */
function placeOf(span: Buffer, wanted: number): { from: number; to: number } | null {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = span[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < span.length) {
    const tag = varint();
    const wireType = tag & 7;
    let length = 0;
    if (wireType === 0) {
      const from = at;
      varint();
      if (tag === wanted) return { from, to: at };
    } else if (wireType === 1) length = 8;
    else if (wireType === 2) length = varint();
    else if (wireType === 5) length = 4;
    else return null;
    if (tag === wanted) return { from: at, to: Math.min(at + length, span.length) };
    at += length;
  }
  return null;
}
