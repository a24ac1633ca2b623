import { randomBytes } from 'node:crypto';
import protobuf from 'protobufjs';

/** OTLP fields written with protobufjs, as an agent's encoder would. Nothing of the product's. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message AnyValue { oneof value { string s = 1; int64 i = 3; } }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message Span { bytes traceId = 1; bytes spanId = 2; string name = 5; int32 kind = 6; fixed64 start = 7; fixed64 end = 8; repeated KeyValue attributes = 9; }
  message Items { repeated Span span = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ResourceFields { Resource resource = 1; string schemaUrl = 3; }
  message Scope { string name = 1; string version = 2; }
  message ScopeFields { Scope scope = 1; string schemaUrl = 3; }
`);

/** Field 2 of ScopeSpans: the span number `n`, with `padding` bytes of attribute. */
export function spanField(n: number, padding = 0): Buffer {
  const attributes = [{ key: 'test.n', value: { i: n } }];
  const span = { traceId: randomBytes(16), spanId: randomBytes(8), name: `span ${n}`, kind: 1, start: '1700000000000000000', end: '1700000000001000000', attributes };
  return encode('Items', { span: [padding === 0 ? span : { ...span, attributes: [...attributes, { key: 'padding', value: { s: 'x'.repeat(padding) } }] }] });
}

export function resourceFields(service: string): Buffer {
  return encode('ResourceFields', { resource: { attributes: [{ key: 'service.name', value: { s: service } }] }, schemaUrl: 'https://opentelemetry.io/schemas/1.0.0' });
}

export function scopeFields(name: string): Buffer {
  return encode('ScopeFields', { scope: { name, version: '1' } });
}

function encode(type: string, message: object): Buffer {
  const found = root.lookupType(type);
  return Buffer.from(found.encode(found.fromObject(message)).finish());
}
