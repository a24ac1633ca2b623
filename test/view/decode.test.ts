import { ProtobufLogsSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { expect, test } from 'vitest';
import { decodeLogs, decodeSpanOutlines, decodeSpans, serviceName } from '../../src/view/decode.ts';
import { requestToJson } from '../../src/view/json.ts';
import { MalformedOtlp } from '../../src/view/protobuf.ts';
import { sampleLogs, sampleSpans } from './otlp-samples.ts';
import { field, fixed32, text, varint } from './wire.ts';

const body = Buffer.from(ProtobufTraceSerializer.serializeRequest(sampleSpans())!);

test('decodeSpans gives what the SDK had', () => {
  const [child, parent] = decodeSpans(body);
  expect(parent).toMatchObject({
    traceId: '0af7651916cd43dd8448eb211c80319c',
    parentSpanId: 'b7ad6b7169203331',
    parentIsRemote: true,
    name: 'GET /orders/:id',
    kind: 'server',
    startNano: 1_700_000_000_123_456_789n,
    endNano: 1_700_000_001_000_000_000n,
    status: { code: 'ok', message: '' },
    scope: { name: 'shop', version: '1.2.3' },
    links: [{ traceId: '0af7651916cd43dd8448eb211c80319c', spanId: '00f067aa0ba902b7', attributes: { why: 'batch' } }],
    events: [{ name: 'cache', timeNano: 1_700_000_000_150_000_000n, attributes: { hit: false } }],
    droppedCounts: { attributes: 0, events: 0, links: 0 },
  });
  expect({ ...parent!.attributes }).toEqual({ 'http.request.method': 'GET', 'http.response.status_code': 200, ok: true, no: false, ratio: 0.25, zero: 0, empty: '', many: [1, 2, 3], tall: 9007199254740992n, none: [] });
  expect(serviceName(parent!.resource)).toBe('orders');
  expect(child).toMatchObject({ parentSpanId: parent!.spanId, parentIsRemote: false, kind: 'client', status: { code: 'error', message: 'no such table' } });
  expect(child!.events[0]!.attributes['exception.message']).toBe('käputt 🧨');
});

test('decodeSpanOutlines gives the same without the details', () => {
  const bare = { attributes: {}, events: [], links: [], scope: expect.anything() };
  expect(decodeSpanOutlines(body)).toEqual(decodeSpans(body).map((span) => ({ ...span, ...bare })));
});

test('decodeLogs gives what the SDK had', () => {
  const [low, paid] = decodeLogs(Buffer.from(ProtobufLogsSerializer.serializeRequest(sampleLogs())!));
  expect(low).toMatchObject({ timeNano: 1_700_000_000_000_000_005n, severityNumber: 13, severityText: 'WARN', body: 'stock is low', attributes: { left: 3 } });
  expect(paid!.eventName).toBe('paid');
  expect(JSON.parse(JSON.stringify(paid!.body))).toEqual({ amount: 12.5, tags: ['x', null, 1], nested: { deep: true } });
});

const spanWith = (...fields: Buffer[]): Buffer => field(1, field(2, field(2, ...fields)));
const attribute = (key: string, value: string): Buffer => field(9, text(1, key), field(2, text(1, value)));

test('hostile keys are just keys', () => {
  const [span] = decodeSpans(spanWith(attribute('__proto__', 'p'), attribute('constructor', 'c'), attribute('hasOwnProperty', 'h')));
  expect(Object.entries(span!.attributes)).toEqual([['__proto__', 'p'], ['constructor', 'c'], ['hasOwnProperty', 'h']]);
  expect(({} as Record<string, unknown>).p).toBeUndefined();
  expect(Object.getPrototypeOf({})).toBe(Object.prototype);
});

test.each([
  ['no flags', [], null],
  ['a local parent', [fixed32(16, 0x100)], false],
  ['a remote parent', [fixed32(16, 0x301)], true],
])('%s', (_, fields, expected) => {
  expect(decodeSpans(spanWith(...fields))[0]!.parentIsRemote).toBe(expected);
});

test.each([
  ['a kind that is not known', [varint(6, 77n)], { kind: 'unspecified' }],
  ['a parent of zeros', [field(4, Buffer.alloc(8))], { parentSpanId: '' }],
  ['an empty span', [], { traceId: '', name: '', startNano: 0n, status: { code: 'unset', message: '' } }],
])('%s', (_, fields, expected) => {
  expect(decodeSpans(spanWith(...fields))[0]).toMatchObject(expected);
});

test('100,000 damaged requests are read or refused, and nothing else happens', () => {
  let seed = 42;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >>> 12) % below; // the low bits of this generator repeat soon
  };
  let refused = 0;
  const started = performance.now();
  for (let round = 0; round < 100_000; round++) {
    const damaged = Buffer.from(body.subarray(0, round % 3 === 0 ? random(body.length) : body.length));
    for (let hits = 1 + random(4); hits > 0 && damaged.length > 0; hits--) damaged[random(damaged.length)] = random(256);
    try {
      decodeSpans(damaged);
      requestToJson((['traces', 'metrics', 'logs'] as const)[round % 3]!, damaged);
    } catch (error) {
      if (!(error instanceof MalformedOtlp)) throw error;
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(10_000);
  expect(refused).toBeLessThan(100_000);
  expect(performance.now() - started).toBeLessThan(60_000);
}, 90_000);
