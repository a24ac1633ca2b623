import type { Field, MessageTable, Scalar } from './otlp-schema.ts';

/** What is wrong with bytes that should be OTLP. */
export class MalformedOtlp extends Error {
  override readonly name = 'MalformedOtlp';
}

export type Value = string | number | bigint | boolean | Uint8Array | Message | Value[];
/** Without a prototype: a field or key named `__proto__` is a name like any other. Holds the fields that are on the wire. */
export interface Message {
  [field: string]: Value | undefined;
}

/** The forms that differ between readers. */
export interface Forms {
  int64(value: bigint): Value;
  bytes(value: Uint8Array): Value;
  double(value: number): Value;
}

/** Deeper nesting than any telemetry has; a bound for the stack. */
const MAX_DEPTH = 64;

/**
 * Reads `bytes` as a message of `table`. Fields that are not in the table are passed over, as protobuf asks.
 * Strings that are not UTF-8 get replacement characters.
 * @throws MalformedOtlp where the bytes are no such message
 */
export function readMessage(table: MessageTable, bytes: Uint8Array, forms: Forms): Message {
  const reader: Reader = { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), at: 0, forms };
  return readFields(reader, bytes.length, table, Object.create(null) as Message, 0);
}

interface Reader {
  readonly bytes: Buffer;
  readonly forms: Forms;
  at: number;
}

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

const wireTypes: Readonly<Record<Scalar, number>> = {
  string: DELIMITED,
  bytes: DELIMITED,
  id: DELIMITED,
  bool: VARINT,
  enum: VARINT,
  int32: VARINT,
  uint32: VARINT,
  sint32: VARINT,
  int64: VARINT,
  uint64: VARINT,
  fixed32: FIXED32,
  fixed64: FIXED64,
  sfixed64: FIXED64,
  double: FIXED64,
};

function readFields(reader: Reader, end: number, table: MessageTable, into: Message, depth: number): Message {
  if (depth > MAX_DEPTH) throw new MalformedOtlp(`${table.title} is nested more than ${MAX_DEPTH} deep`);
  while (reader.at < end) {
    const tag = readUint32(reader, end);
    const number = tag >>> 3;
    const wire = tag & 7;
    if (number === 0) throw new MalformedOtlp(`${table.title} has a field 0 at byte ${reader.at}`);
    const field = table.fields.get(number);
    if (field === undefined || !fits(field, wire)) skip(reader, end, wire);
    else readField(reader, end, field, wire, into, depth);
  }
  return into;
}

function fits({ type, repeated }: Field, wire: number): boolean {
  const own = typeof type === 'string' ? wireTypes[type] : DELIMITED;
  return wire === own || (repeated && wire === DELIMITED); // packed
}

function readField(reader: Reader, end: number, { name, type, repeated, oneof }: Field, wire: number, into: Message, depth: number): void {
  if (oneof !== null) for (const other of oneof) if (other !== name) delete into[other];
  const known = into[name];
  if (typeof type !== 'string') {
    const stop = readLength(reader, end);
    const inner = repeated || known === undefined ? (Object.create(null) as Message) : (known as Message);
    readFields(reader, stop, type, inner, depth + 1);
    if (!repeated) into[name] = inner;
    else if (known === undefined) into[name] = [inner];
    else (known as Value[]).push(inner);
  } else if (!repeated) {
    into[name] = readScalar(reader, end, type);
  } else {
    const list = (known ?? (into[name] = [])) as Value[];
    if (wire === DELIMITED && wireTypes[type] !== DELIMITED) {
      const stop = readLength(reader, end);
      while (reader.at < stop) list.push(readScalar(reader, stop, type));
    } else {
      list.push(readScalar(reader, end, type));
    }
  }
}

function readScalar(reader: Reader, end: number, type: Scalar): Value {
  const { bytes, forms } = reader;
  switch (type) {
    case 'string':
      return readDelimited(reader, end).toString('utf8');
    case 'id':
      return readDelimited(reader, end).toString('hex');
    case 'bytes':
      return forms.bytes(readDelimited(reader, end));
    case 'bool':
      return readVarint(reader, end) !== 0n;
    case 'enum':
    case 'int32':
      return Number(BigInt.asIntN(32, readVarint(reader, end)));
    case 'uint32':
      return readUint32(reader, end);
    case 'sint32': {
      const value = readUint32(reader, end);
      return (value >>> 1) ^ -(value & 1);
    }
    case 'int64':
      return forms.int64(BigInt.asIntN(64, readVarint(reader, end)));
    case 'uint64':
      return forms.int64(readVarint(reader, end));
    case 'fixed32':
      return bytes.readUInt32LE(advance(reader, end, 4));
    case 'fixed64':
      return forms.int64(bytes.readBigUInt64LE(advance(reader, end, 8)));
    case 'sfixed64':
      return forms.int64(bytes.readBigInt64LE(advance(reader, end, 8)));
    case 'double':
      return forms.double(bytes.readDoubleLE(advance(reader, end, 8)));
  }
}

function skip(reader: Reader, end: number, wire: number): void {
  if (wire === VARINT) readVarint(reader, end);
  else if (wire === FIXED64) advance(reader, end, 8);
  else if (wire === DELIMITED) reader.at = readLength(reader, end);
  else if (wire === FIXED32) advance(reader, end, 4);
  else throw new MalformedOtlp(`unknown wire type ${wire} at byte ${reader.at}`);
}

function readDelimited(reader: Reader, end: number): Buffer {
  const stop = readLength(reader, end);
  const piece = reader.bytes.subarray(reader.at, stop);
  reader.at = stop;
  return piece;
}

/** Where the field that begins with its length ends. */
function readLength(reader: Reader, end: number): number {
  const length = readUint32(reader, end);
  if (length > end - reader.at) throw new MalformedOtlp(`a field of ${length} bytes at byte ${reader.at}, where ${end - reader.at} are left`);
  return reader.at + length;
}

function advance(reader: Reader, end: number, count: number): number {
  const { at } = reader;
  if (count > end - at) throw new MalformedOtlp(`cut off at byte ${at}`);
  reader.at = at + count;
  return at;
}

/** The low 32 bits of a varint, without the cost of a bigint. */
function readUint32(reader: Reader, end: number): number {
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = reader.bytes[advance(reader, end, 1)]!;
    if (shift < 32) value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value >>> 0;
  }
  throw new MalformedOtlp(`a number of more than ten bytes at byte ${reader.at}`);
}

function readVarint(reader: Reader, end: number): bigint {
  let low = 0;
  let value = 0n;
  for (let count = 0; count < 10; count++) {
    const byte = reader.bytes[advance(reader, end, 1)]!;
    if (count < 4) low |= (byte & 0x7f) << (7 * count);
    else value |= BigInt(byte & 0x7f) << BigInt(7 * count);
    if (byte < 0x80) return BigInt.asUintN(64, value | BigInt(low));
  }
  throw new MalformedOtlp(`a number of more than ten bytes at byte ${reader.at}`);
}
