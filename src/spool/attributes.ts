import type { Wire } from './wire.ts';

const KEY = 0x0a; // KeyValue.key = 1
const VALUE = 0x12; // KeyValue.value = 2
const STRING_VALUE = 0x0a; // AnyValue: string 1, bool 2, int 3, double 4, array 5, kvlist 6, bytes 7
const BOOL_VALUE = 0x10;
const INT_VALUE = 0x18;
const DOUBLE_VALUE = 0x21;
const ARRAY_VALUE = 0x2a;
const KVLIST_VALUE = 0x32;
const BYTES_VALUE = 0x3a;
const ELEMENT = 0x0a; // ArrayValue.values = 1, KeyValueList.values = 1

/** Nested values are followed this far: a cycle must end somewhere. */
const MAX_DEPTH = 8;

/** Writes `attributes` as repeated KeyValue fields with the given tag. */
export function writeAttributes(wire: Wire, tag: number, attributes: object, depth = 0): void {
  for (const key in attributes) {
    const value = (attributes as Record<string, unknown>)[key];
    if (value === undefined) continue;
    const pair = wire.open(tag);
    wire.stringField(KEY, key);
    const start = wire.open(VALUE);
    writeValue(wire, value, depth);
    wire.close(start);
    wire.close(pair);
  }
}

/** The content of an AnyValue: nothing for null and for what OTLP has no word for. */
export function writeValue(wire: Wire, value: unknown, depth: number): void {
  if (typeof value === 'string') return wire.stringField(STRING_VALUE, value);
  if (typeof value === 'number') {
    // Integers as int64 like the stock exporters, so that a backend sees one type for one attribute.
    return Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63 ? wire.int64Field(INT_VALUE, value) : wire.doubleField(DOUBLE_VALUE, value);
  }
  if (typeof value === 'boolean') return wire.varintField(BOOL_VALUE, value ? 1 : 0);
  if (typeof value !== 'object' || value === null || depth >= MAX_DEPTH) return;
  if (value instanceof Uint8Array) return wire.bytesField(BYTES_VALUE, value);
  if (!Array.isArray(value)) {
    const list = wire.open(KVLIST_VALUE);
    writeAttributes(wire, ELEMENT, value, depth + 1);
    return wire.close(list);
  }
  const array = wire.open(ARRAY_VALUE);
  for (const entry of value) {
    const element = wire.open(ELEMENT);
    writeValue(wire, entry, depth + 1);
    wire.close(element);
  }
  wire.close(array);
}
