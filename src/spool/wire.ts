/**
 * The protobuf wire format, written into one buffer that is used again for every item. Never splits a length
 * from what it counts: a length's place is reserved, and what follows is moved where it needs more room.
 */
export interface Wire {
  /** Drops what was written. */
  reset(): void;
  /** A view of what was written; valid until the next {@link Wire.reset}. */
  bytes(): Buffer;
  varintField(tag: number, value: number): void;
  fixed32Field(tag: number, value: number): void;
  /** Seconds and nanoseconds as nanoseconds. */
  timeField(tag: number, time: readonly [number, number]): void;
  /** Nanoseconds, 64 bits. */
  nanosField(tag: number, value: bigint): void;
  /** Any integer a number can hold, as int64. */
  int64Field(tag: number, value: number): void;
  doubleField(tag: number, value: number): void;
  /** Eight bytes of an integer, signed or not. */
  fixed64Field(tag: number, value: number): void;
  /** Packed lists. */
  fixed64List(tag: number, values: readonly number[]): void;
  doubleList(tag: number, values: readonly number[]): void;
  /** Of integers that are not negative. */
  varintList(tag: number, values: readonly number[]): void;
  stringField(tag: number, value: string): void;
  bytesField(tag: number, value: Uint8Array): void;
  /** Whole fields. */
  raw(fields: Uint8Array): void;
  /** Hexadecimal digits as bytes; a digit that is none counts as 0. */
  hexField(tag: number, digits: string): void;
  /** Starts a length-delimited field; give what it returns to {@link Wire.close}. */
  open(tag: number): number;
  close(start: number): void;
}

const FIRST_BYTES = 16 * 1024;
/** A buffer that one huge item made larger than this is given back. */
const KEEP_BYTES = 1024 * 1024;
/** Longer strings are cut: one item must fit into a request. In UTF-16 units. */
export const MAX_STRING = 128 * 1024;
/** Below this a loop is quicker than the call into Node. */
const SHORT_STRING = 40;

export function createWire(): Wire {
  let buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  let position = 0;

  const reserve = (bytes: number): void => {
    if (position + bytes <= buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, position + bytes));
    buffer.copy(grown, 0, 0, position);
    buffer = grown;
  };

  /** Tags and small counts: up to 2^32. */
  const varint = (value: number): void => {
    while (value > 127) {
      buffer[position++] = (value & 127) | 128;
      value >>>= 7;
    }
    buffer[position++] = value;
  };

  const long = (low: number, high: number): void => {
    while (high > 0) {
      buffer[position++] = (low & 127) | 128;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    varint(low);
  };

  const word = (value: number): void => {
    buffer[position] = value;
    buffer[position + 1] = value >>> 8;
    buffer[position + 2] = value >>> 16;
    buffer[position + 3] = value >>> 24;
    position += 4;
  };

  const fixed64 = (value: number): void => {
    const high = Math.floor(value / 0x1_0000_0000);
    word((value - high * 0x1_0000_0000) >>> 0);
    word(high >>> 0);
  };

  /** Puts the length before what was written since `start`, where `room` bytes were left for it. */
  const seal = (start: number, room: number): void => {
    const length = position - start - room;
    const needed = length < 128 ? 1 : length < 16384 ? 2 : length < 2097152 ? 3 : 4;
    if (needed !== room) {
      reserve(needed);
      buffer.copyWithin(start + needed, start + room, position);
      position += needed - room;
    }
    const end = position;
    position = start;
    varint(length);
    position = end;
  };

  const wire: Wire = {
    reset() {
      position = 0;
      if (buffer.length > KEEP_BYTES) buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
    },
    bytes: () => buffer.subarray(0, position),
    varintField(tag, value) {
      reserve(15);
      varint(tag);
      varint(value >>> 0);
    },
    fixed32Field(tag, value) {
      reserve(9);
      varint(tag);
      word(value);
    },
    timeField(tag, time) {
      reserve(13);
      varint(tag);
      // Seconds in two halves, because their product with 1e9 is beyond what a number holds exactly.
      const seconds = time[0];
      const lower = (seconds & 0xffff) * 1e9 + time[1];
      const upper = Math.floor(seconds / 0x10000) * 1e9;
      const low = (lower % 0x1_0000_0000) + (upper & 0xffff) * 0x10000;
      word(low >>> 0);
      word(Math.floor(lower / 0x1_0000_0000) + Math.floor(upper / 0x10000) + (low >= 0x1_0000_0000 ? 1 : 0));
    },
    nanosField(tag, value) {
      reserve(13);
      varint(tag);
      position = buffer.writeBigUInt64LE(value, position);
    },
    int64Field(tag, value) {
      reserve(15);
      varint(tag);
      if (value >= 0 && value <= 0xffff_ffff) return varint(value);
      const high = Math.floor(value / 0x1_0000_0000);
      long((value - high * 0x1_0000_0000) >>> 0, high >>> 0);
    },
    doubleField(tag, value) {
      reserve(13);
      varint(tag);
      buffer.writeDoubleLE(value, position);
      position += 8;
    },
    fixed64Field(tag, value) {
      reserve(13);
      varint(tag);
      fixed64(value);
    },
    fixed64List(tag, values) {
      reserve(values.length * 8 + 9);
      varint(tag);
      varint(values.length * 8);
      for (const value of values) fixed64(value);
    },
    doubleList(tag, values) {
      reserve(values.length * 8 + 9);
      varint(tag);
      varint(values.length * 8);
      for (const value of values) position = buffer.writeDoubleLE(value, position);
    },
    varintList(tag, values) {
      reserve(values.length * 10 + 9);
      const start = wire.open(tag);
      for (const value of values) long(value >>> 0, Math.floor(value / 0x1_0000_0000));
      wire.close(start);
    },
    stringField(tag, value) {
      const text = value.length > MAX_STRING ? value.slice(0, MAX_STRING) : value;
      const units = text.length;
      reserve(units * 3 + 9);
      varint(tag);
      if (units < SHORT_STRING) {
        const start = position++;
        let unit = 0;
        for (; unit < units; unit++) {
          const code = text.charCodeAt(unit);
          if (code > 127) break;
          buffer[position++] = code;
        }
        if (unit === units) {
          buffer[start] = units;
          return;
        }
        position = start;
      }
      const room = units < 128 ? 1 : units < 16384 ? 2 : 3;
      const start = position;
      position += room;
      position += buffer.write(text, position, 'utf8');
      seal(start, room);
    },
    bytesField(tag, value) {
      reserve(value.length + 9);
      varint(tag);
      varint(value.length);
      buffer.set(value, position);
      position += value.length;
    },
    raw(fields) {
      reserve(fields.length);
      buffer.set(fields, position);
      position += fields.length;
    },
    hexField(tag, digits) {
      const length = digits.length >>> 1;
      reserve(length + 9);
      varint(tag);
      varint(length);
      for (let at = 0; at < length; at++) {
        buffer[position++] = (nibble(digits.charCodeAt(at * 2)) << 4) | nibble(digits.charCodeAt(at * 2 + 1));
      }
    },
    open(tag) {
      reserve(9);
      varint(tag);
      return position++;
    },
    close(start) {
      seal(start, 1);
    },
  };
  return wire;
}

function nibble(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : 0;
}
