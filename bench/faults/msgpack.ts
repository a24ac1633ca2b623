/** MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md) to plain values; extensions become null. */
export function decodeMsgpack(bytes: Buffer): unknown {
  let at = 0;
  const take = (length: number): Buffer => bytes.subarray(at, (at += length));
  const uint = (length: number): number => (length === 8 ? Number(take(8).readBigUInt64BE()) : take(length).readUIntBE(0, length));
  const int = (length: number): number => (length === 8 ? Number(take(8).readBigInt64BE()) : take(length).readIntBE(0, length));
  const list = (length: number): unknown[] => Array.from({ length }, value);
  const map = (length: number): Record<string, unknown> => Object.fromEntries(Array.from({ length }, () => [String(value()), value()]));
  const extension = (length: number): null => {
    take(length + 1);
    return null;
  };

  function value(): unknown {
    const type = bytes[at++];
    if (type === undefined) throw new Error('MessagePack ends in the middle of a value');
    if (type < 0x80) return type;
    if (type < 0x90) return map(type & 0x0f);
    if (type < 0xa0) return list(type & 0x0f);
    if (type < 0xc0) return take(type & 0x1f).toString();
    if (type >= 0xe0) return type - 256;
    switch (type) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: case 0xc5: case 0xc6: return take(uint(2 ** (type - 0xc4)));
      case 0xc7: case 0xc8: case 0xc9: return extension(uint(2 ** (type - 0xc7)));
      case 0xca: return take(4).readFloatBE();
      case 0xcb: return take(8).readDoubleBE();
      case 0xcc: case 0xcd: case 0xce: case 0xcf: return uint(2 ** (type - 0xcc));
      case 0xd0: case 0xd1: case 0xd2: case 0xd3: return int(2 ** (type - 0xd0));
      case 0xd4: case 0xd5: case 0xd6: case 0xd7: case 0xd8: return extension(2 ** (type - 0xd4));
      case 0xd9: case 0xda: case 0xdb: return take(uint(2 ** (type - 0xd9))).toString();
      case 0xdc: case 0xdd: return list(uint(2 * (type - 0xdb)));
      case 0xde: case 0xdf: return map(uint(2 * (type - 0xdd)));
      default: throw new Error(`no MessagePack type ${type}`);
    }
  }
  return value();
}
