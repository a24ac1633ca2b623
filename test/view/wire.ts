/** Protobuf fields by hand. */

export function field(number: number, ...content: Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([tag(number, 2), number64(BigInt(body.length)), body]);
}

export function text(number: number, value: string): Buffer {
  return field(number, Buffer.from(value));
}

export function varint(number: number, value: bigint): Buffer {
  return Buffer.concat([tag(number, 0), number64(BigInt.asUintN(64, value))]);
}

export function fixed64(number: number, value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return Buffer.concat([tag(number, 1), bytes]);
}

export function fixed32(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return Buffer.concat([tag(number, 5), bytes]);
}

export function double(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([tag(number, 1), bytes]);
}

function tag(number: number, wire: number): Buffer {
  return number64(BigInt(number * 8 + wire));
}

function number64(value: bigint): Buffer {
  const bytes: number[] = [];
  for (; value >= 0x80n; value >>= 7n) bytes.push(Number(value & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(value)]);
}
