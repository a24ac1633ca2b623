import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, createTraceState, trace, type Attributes } from '@opentelemetry/api';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import protobuf from 'protobufjs';
import { beforeEach, describe, expect, test } from 'vitest';
import { createSpanEncoder, encodeResource, encodeScope } from '../../src/agent/encode/span.ts';
import { MAX_STRING } from '../../src/spool/wire.ts';
import { createRedactor } from '../../src/agent/redact/redact.ts';

// An independent decoder, from the message definitions of opentelemetry-proto.
const Request = protobuf
  .parse(
    `syntax = "proto3";
    message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
    message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
    message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
    message ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; string schema_url = 3; }
    message InstrumentationScope { string name = 1; string version = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4; }
    message KeyValue { string key = 1; AnyValue value = 2; }
    message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7; } }
    message ArrayValue { repeated AnyValue values = 1; }
    message KeyValueList { repeated KeyValue values = 1; }
    message Span {
      bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
      fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9; uint32 dropped_attributes_count = 10;
      repeated Event events = 11; uint32 dropped_events_count = 12; repeated Link links = 13; uint32 dropped_links_count = 14; Status status = 15; fixed32 flags = 16;
      message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4; }
      message Link { bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; repeated KeyValue attributes = 4; uint32 dropped_attributes_count = 5; fixed32 flags = 6; }
      message Status { string message = 2; int32 code = 3; }
    }`,
    { keepCase: true },
  )
  .root.lookupType('ExportTraceServiceRequest');

let finished: ReadableSpan[] = [];
const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'shop', 'process.pid': 42 }),
  spanLimits: { attributeCountLimit: 40, eventCountLimit: 4, linkCountLimit: 3 },
  spanProcessors: [{ onStart() {}, onEnd: (span) => void finished.push(span), forceFlush: async () => {}, shutdown: async () => {} }],
});
const tracer = provider.getTracer('library', '1.2.3', { schemaUrl: 'https://opentelemetry.io/schemas/1.40.0' });
const encode = createSpanEncoder(createRedactor({ names: [], attributes: [], patterns: [], keep: [] }));
beforeEach(() => void (finished = []));

const spanOf = (attributes: Attributes): ReadableSpan => {
  tracer.startSpan('span', { attributes }).end();
  return finished.at(-1)!;
};

/** The request that an exporter would make of what a segment holds. */
const ours = (spans: ReadableSpan[]): unknown => {
  const scopeSpans = field(2, Buffer.concat([encodeScope(spans[0]!.instrumentationScope), ...spans.map((span) => Buffer.from(encode(span)))]));
  const body = field(1, Buffer.concat([encodeResource(spans[0]!.resource.attributes), scopeSpans]));
  return decode(body);
};
const stock = (spans: ReadableSpan[]): unknown => decode(ProtobufTraceSerializer.serializeRequest(spans)!);

function field(number: number, content: Buffer): Buffer {
  return Buffer.from(protobuf.Writer.create().uint32((number << 3) | 2).bytes(content).finish());
}

function decode(bytes: Uint8Array): unknown {
  return Request.toObject(Request.decode(bytes), { longs: String, bytes: String, defaults: true, arrays: true, json: true });
}

/** `defaults` fills in an absent status, which the stock exporter always writes. */
function expectSame(spans: ReadableSpan[]): void {
  const normal = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (key, entry) => (key === 'status' && (entry === null || entry.code === 0) ? undefined : entry)));
  expect(normal(ours(spans))).toEqual(normal(stock(spans)));
}

describe('a span says the same as from the stock exporter', () => {
  test.each<[string, Attributes]>([
    ['nothing', {}],
    ['strings', { 'http.route': '/u/:id', empty: '', umlaut: 'äöü', emoji: '👩‍🚀', zero: '\0' }],
    ['integers', { zero: 0, one: 1, minus: -1, byte: 255, word: 2 ** 32 - 1, over: 2 ** 32, safe: Number.MAX_SAFE_INTEGER, least: Number.MIN_SAFE_INTEGER, wide: 2 ** 62, lowest: -(2 ** 63), 'minus zero': -0 }],
    ['doubles', { half: 0.5, huge: 1e300, beyond: 2 ** 63, nan: NaN, infinite: Infinity, 'minus infinite': -Infinity, tiny: 5e-324 }],
    ['booleans', { yes: true, no: false }],
    ['lists', { strings: ['a', '', 'ü'], numbers: [1, 0.5, -7], booleans: [true, false], empty: [], holes: ['a', null, undefined, 'b'] }],
    ['a lone surrogate', { high: 'x\ud83d', low: '\ude00y', middle: `a${'\ud83d'.repeat(50)}b` }],
    ['lengths around a byte of varint', Object.fromEntries([126, 127, 128, 129, 16382, 16383, 16384, 16385].map((length) => [`n${length}`, 'x'.repeat(length)]))],
    ['wide characters around a byte of varint', Object.fromEntries([38, 39, 40, 42, 43, 63, 64, 5461, 5462].map((length) => [`n${length}`, '€'.repeat(length)]))],
  ])('%s', (_, attributes) => expectSame([spanOf(attributes)]));

  test('every part of a span', () => {
    const remote = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: TraceFlags.SAMPLED, isRemote: true, traceState: createTraceState('vendor=1,other=x') };
    const span = tracer.startSpan('GET /u/:id', { kind: SpanKind.SERVER, links: [{ context: remote, attributes: { why: 'batch' } }], startTime: [1_700_000_000, 999_999_999] }, trace.setSpanContext(ROOT_CONTEXT, remote));
    for (let i = 0; i < 50; i++) span.setAttribute(`key${i}`, i);
    for (let i = 0; i < 6; i++) span.addEvent(`event ${i}`, { i, text: 'x'.repeat(200) });
    for (let i = 0; i < 5; i++) span.addLink({ context: { traceId: 'c'.repeat(32), spanId: `000000000000000${i}`, traceFlags: 0 } });
    span.recordException(new RangeError('out of range'));
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'it failed' });
    span.end([1_700_000_001, 1]);
    expect([finished[0]!.droppedAttributesCount, finished[0]!.droppedEventsCount, finished[0]!.droppedLinksCount]).toEqual([10, 3, 3]);
    expectSame(finished);
  });

  test.each([[[0, 0]], [[1, 0]], [[0xffff, 999_999_999]], [[0x10000, 5]], [[2_147_483_648, 123_456_789]], [[4_294_967_296, 1]], [[18_446_744_073, 709_551_615]]] as [[number, number]][])('the time %j', (time) => {
    tracer.startSpan('span', { startTime: time }).end(time);
    expectSame(finished);
  });

  test('five hundred random spans in one request', () => {
    const random = seeded(20251121);
    for (let i = 0; i < 500; i++) tracer.startSpan(randomText(random), { attributes: randomAttributes(random), kind: Math.floor(random() * 5) }).end();
    expectSame(finished);
  });
});

test('a string beyond the bound is cut, not dropped and not thrown', () => {
  const span = spanOf({ body: 'x'.repeat(3_000_000), after: 1 });
  const { attributes } = (ours([span]) as { resource_spans: [{ scope_spans: [{ spans: [{ attributes: { key: string; value: { string_value?: string } }[] }] }] }] }).resource_spans[0].scope_spans[0].spans[0];
  expect(attributes.map(({ key, value }) => [key, value.string_value?.length])).toEqual([['body', MAX_STRING], ['after', undefined]]);
});

test('a cycle that got past the API ends', () => {
  const span = spanOf({});
  const cycle: Record<string, unknown> = { name: 'cycle' };
  cycle['self'] = cycle;
  Object.assign(span.attributes, { cycle });
  expect(encode(span).length).toBeLessThan(1000);
});

test('secrets are gone before the first byte', () => {
  const span = spanOf({ 'url.full': 'https://user:hunter2@shop.example/pay?token=s3cr3t&id=7' });
  const bytes = Buffer.from(encode(span)).toString('latin1');
  expect(bytes).toContain('id=7');
  expect(bytes).not.toMatch(/hunter2|s3cr3t/);
});

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function randomText(random: () => number): string {
  const alphabet = ['a', 'Z', '7', ' ', '.', 'ß', '€', '😀', '\ud800', '\n'];
  return Array.from({ length: Math.floor(random() ** 4 * 400) }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
}

function randomAttributes(random: () => number): Attributes {
  const value = (): string | number | boolean => {
    const kind = random();
    if (kind < 0.4) return randomText(random);
    if (kind < 0.6) return Math.floor((random() - 0.5) * 2 ** Math.floor(random() * 64));
    if (kind < 0.8) return (random() - 0.5) * 10 ** Math.floor(random() * 40);
    return random() < 0.5;
  };
  const list = (): string[] | number[] => (random() < 0.5 ? Array.from({ length: Math.floor(random() * 5) }, () => randomText(random)) : Array.from({ length: Math.floor(random() * 5) }, () => Math.floor(random() * 1e6)));
  return Object.fromEntries(Array.from({ length: Math.floor(random() * 20) }, (_, index) => [`key.${index}`, random() < 0.15 ? list() : value()]));
}
