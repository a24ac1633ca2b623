/** Context that strangers send: it costs a bounded time, and what is handed on is bounded and fit for a header. */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { ROOT_CONTEXT, defaultTextMapGetter, defaultTextMapSetter, isSpanContextValid, propagation, trace, type Context, type TextMapPropagator } from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { AWSXRayPropagator } from '@opentelemetry/propagator-aws-xray';
import { B3InjectEncoding, B3Propagator } from '@opentelemetry/propagator-b3';
import { JaegerPropagator } from '@opentelemetry/propagator-jaeger';
import { OTTracePropagator } from '@opentelemetry/propagator-ot-trace';
import { describe, expect, test } from 'vitest';
import { boundPropagator } from '../../src/agent/propagation/limits.ts';
import { damageText, generator } from '../harness/seeded.ts';

const SEED = Number(process.env.HOSTILE_SEED ?? 20_261_121);
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const all = [
  new W3CTraceContextPropagator(), new W3CBaggagePropagator(), new B3Propagator(), new B3Propagator({ injectEncoding: B3InjectEncoding.MULTI_HEADER }),
  new JaegerPropagator(), new AWSXRayPropagator(), new OTTracePropagator(),
];
const bounded = (...propagators: TextMapPropagator[]): TextMapPropagator => boundPropagator(new CompositePropagator({ propagators }));
const propagator = bounded(...all);

type Headers = Readonly<Record<string, string | string[]>>;
const take = (headers: Headers, from = propagator): Context => from.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
function handOn(context: Context, by = propagator): Record<string, string> {
  const headers: Record<string, string> = {};
  by.inject(context, headers, defaultTextMapSetter);
  return headers;
}
const bytesOf = (headers: object): number => JSON.stringify(headers).length;

const parent = { traceparent: `00-${TRACE}-${SPAN}-01` };
const many = (count: number, make: (number: number) => string): string => Array.from({ length: count }, (_, number) => make(number)).join(',');

test('within the limits of the W3C, baggage is handed on as it came', () => {
  const baggage = many(64, (number) => `key${number}=${'v'.repeat(115)}`);
  expect(baggage.length).toBeGreaterThan(7500);
  expect(handOn(take({ ...parent, baggage })).baggage).toBe(baggage);
  expect(handOn(take({ ...parent, baggage: 'a=1;secret=false,b=%E2%82%AC' })).baggage).toBe('a=1;secret=false,b=%E2%82%AC');
});

describe('beyond them', () => {
  const entries = (headers: Headers): number => propagation.getBaggage(take(headers))?.getAllEntries().length ?? 0;

  test.each<[string, Headers, number]>([
    ['members', { baggage: many(5000, (number) => `k${number}=1`) }, 64],
    ['bytes', { baggage: many(64, (number) => `k${number}=${'v'.repeat(1000)}`) }, 8],
    ['one that is too large', { baggage: `k=${'v'.repeat(9000)}` }, 0],
    ['many headers of one name', { baggage: Array.from({ length: 1000 }, (_, number) => `k${number}=${'v'.repeat(100)}`) }, 64],
    ['members of Jaeger', Object.fromEntries(Array.from({ length: 5000 }, (_, number) => [`uberctx-k${number}`, '1'])), 64],
    ['bytes of Jaeger', Object.fromEntries(Array.from({ length: 100 }, (_, number) => [`uberctx-k${number}`, 'v'.repeat(2000)])), 4],
    ['members of OpenTracing', { 'ot-tracer-traceid': SPAN, 'ot-tracer-spanid': SPAN, ...Object.fromEntries(Array.from({ length: 5000 }, (_, number) => [`ot-baggage-k${number}`, '1'])) }, 64],
  ])('%s are dropped', (_, headers, left) => {
    expect(entries(headers)).toBe(left);
    expect(handOn(take(headers)).baggage?.length ?? 0).toBeLessThanOrEqual(8192);
  });

  test('tracestate keeps 32 members and 512 characters', () => {
    const { tracestate } = handOn(take({ ...parent, tracestate: many(1_000_000, (number) => `k${number}=1`) }));
    expect(tracestate!.length).toBeLessThanOrEqual(512);
    expect(tracestate!.split(',')).toHaveLength(32);
  });
});

const huge = 16 * 1024 * 1024;
test.each<[string, Headers]>([
  ...['traceparent', 'tracestate', 'baggage', 'b3', 'x-b3-traceid', 'x-b3-spanid', 'uber-trace-id', 'uberctx-a', 'x-amzn-trace-id', 'ot-tracer-traceid', 'ot-baggage-a'].flatMap((name): [string, Headers][] => [
    [`${name} of sixteen million zeros`, { ...parent, [name]: '0'.repeat(huge) }],
    [`${name} of separators`, { ...parent, [name]: ',;=-:%'.repeat(huge / 6) }],
    [`${name} of many values`, { ...parent, [name]: Array.from({ length: 100_000 }, () => 'a=b,'.repeat(20)) }],
  ]),
  ['a hundred thousand members of Jaeger', Object.fromEntries(Array.from({ length: 100_000 }, (_, number) => [`uberctx-k${number}`, '1']))],
])('%s: read soon, and little is handed on', (_, headers) => {
  const since = performance.now();
  expect(bytesOf(handOn(take(headers)))).toBeLessThan(32 * 1024);
  expect(performance.now() - since).toBeLessThan(10_000);
});

test.each<[string, Headers]>([
  ['line breaks in metadata', { ...parent, baggage: 'a=1;x\r\nset-cookie: b=c' }],
  ['line breaks in a name', { ...parent, baggage: 'a%0d%0ab=1, c d=2' }],
  ['line breaks in an id', { 'uber-trace-id': `x%0d%0ay%20:${SPAN}:0:1` }],
  ['an id that is none', { 'uber-trace-id': `${'x'.repeat(5000)}:1:0:1` }],
  ['halves of characters', { 'ot-tracer-traceid': SPAN, 'ot-tracer-spanid': SPAN, 'ot-baggage-a': '\ud800' }],
  ['words that are no ASCII', { ...parent, baggage: 'ключ=значение;свойство' }],
  ['names of objects', { ...parent, baggage: '__proto__=1,constructor=2,toString=3', 'uberctx-__proto__': 'x' }],
  ['flags that nobody has defined', { traceparent: `00-${TRACE}-${SPAN}-ff` }],
])('%s: no header that Node refuses', (_, headers) => {
  const context = take(headers);
  const span = trace.getSpanContext(context);
  expect(span === undefined || isSpanContextValid(span)).toBe(true);
  const out = handOn(context);
  for (const [name, value] of Object.entries(out)) {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  }
  expect(out.traceparent ?? `00-${TRACE}-${SPAN}-01`).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$/);
});

test('what was there before a header that says nothing stays', () => {
  const before = take({ ...parent, baggage: 'a=1' });
  const after = propagator.extract(before, { 'uber-trace-id': 'x:y:z:1', baggage: '' }, defaultTextMapGetter);
  expect([trace.getSpanContext(after)?.traceId, handOn(after).baggage]).toEqual([TRACE, 'a=1']);
});

test('20,000 mutated sets of headers', { timeout: 60_000 }, () => {
  const random = generator(SEED);
  const sound: Record<string, string> = {
    ...parent, tracestate: 'vendor=1,other=2', baggage: 'tenant=7;p=1,b=%20', b3: `${TRACE}-${SPAN}-1`, 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-flags': '1', 'uber-trace-id': `${TRACE}:${SPAN}:0:1`, 'uberctx-a': 'b%20c',
    'x-amzn-trace-id': `Root=1-${TRACE.slice(0, 8)}-${TRACE.slice(8)};Parent=${SPAN};Sampled=1`, 'ot-tracer-traceid': SPAN, 'ot-tracer-spanid': SPAN, 'ot-tracer-sampled': 'true', 'ot-baggage-a': 'b',
  };
  for (let round = 0; round < 20_000; round++) {
    const headers = Object.fromEntries(Object.entries(sound).filter(() => random() < 0.6).map(([name, value]) => [/^(?:uberctx|ot-baggage)/.test(name) ? damageText(name, random) : name, damageText(value, random)]));
    try {
      for (const [name, value] of Object.entries(handOn(take(headers)))) {
        validateHeaderName(name);
        validateHeaderValue(name, value);
      }
    } catch (error) {
      throw new Error(`round ${round} of HOSTILE_SEED=${SEED}: ${JSON.stringify(headers)}`, { cause: error });
    }
  }
});
