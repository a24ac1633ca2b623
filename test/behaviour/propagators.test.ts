/** Context in and out, and sampling, by every propagator and sampler that a setting can name. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureNodes } from '../../scripts/setup/nodes.mjs';
import { startReceiver, type ReceivedSpan, type Receiver } from '../harness/receiver.ts';
import { startService } from '../harness/service-process.ts';

const script = fileURLToPath(new URL('../fixtures/context/echo.cjs', import.meta.url));
const node = (await ensureNodes()).node24!;
let receiver: Receiver;
beforeAll(async () => void (receiver = await startReceiver()));
afterAll(() => receiver.close());

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const XRAY = `Root=1-${TRACE.slice(0, 8)}-${TRACE.slice(8)};Parent=${SPAN};Sampled=1`;

describe('propagators', () => {
  test.each<[string, Record<string, string>, Record<string, RegExp>]>([
    ['tracecontext', { traceparent: `00-${TRACE}-${SPAN}-01`, tracestate: 'vendor=1' }, { traceparent: new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`), tracestate: /^vendor=1$/ }],
    ['tracecontext,baggage', { traceparent: `00-${TRACE}-${SPAN}-01`, baggage: 'tenant=7' }, { traceparent: new RegExp(TRACE), baggage: /^tenant=7$/ }],
    ['b3', { b3: `${TRACE}-${SPAN}-1` }, { b3: new RegExp(`^${TRACE}-[0-9a-f]{16}-1`) }],
    ['b3multi', { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-sampled': '1' }, { 'x-b3-traceid': new RegExp(TRACE), 'x-b3-sampled': /^1$/ }],
    ['jaeger', { 'uber-trace-id': `${TRACE}:${SPAN}:0:1` }, { 'uber-trace-id': new RegExp(`^${TRACE}:[0-9a-f]{16}:0:0?1$`) }],
    ['xray', { 'x-amzn-trace-id': XRAY }, { 'x-amzn-trace-id': new RegExp(`^Root=1-${TRACE.slice(0, 8)}-${TRACE.slice(8)};Parent=[0-9a-f]{16};Sampled=1`) }],
    ['ottrace', { 'ot-tracer-traceid': TRACE.slice(16), 'ot-tracer-spanid': SPAN, 'ot-tracer-sampled': 'true' }, { 'ot-tracer-traceid': new RegExp(TRACE.slice(16)), 'ot-tracer-sampled': /^true$/ }],
  ])('%s is taken over and handed on', async (names, headers, expected) => {
    const { echoed, spans } = await ask({ OTEL_PROPAGATORS: names }, headers);
    for (const [name, pattern] of Object.entries(expected)) expect(echoed[name]).toMatch(pattern);
    const server = spans.find((span) => span.attributes['url.path'] === '/in')!;
    expect([server.traceId.slice(-16), server.parentSpanId]).toEqual([TRACE.slice(-16), SPAN]);
  });

  test('none: no header goes out, a new trace begins', async () => {
    const { echoed, spans } = await ask({ OTEL_PROPAGATORS: 'none' }, { traceparent: `00-${TRACE}-${SPAN}-01` });
    expect(Object.keys(echoed).filter((name) => /trace|b3|baggage/.test(name))).toEqual([]);
    expect(spans.map((span) => span.traceId)).not.toContain(TRACE);
  });

  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['line breaks in an id', { OTEL_PROPAGATORS: 'jaeger', OTEL_TRACES_EXPORTER: 'none' }, { 'uber-trace-id': `x%0d%0ay:${SPAN}:0:1` }],
    ['line breaks in the name of a member', { OTEL_PROPAGATORS: 'tracecontext,baggage,jaeger', OTEL_TRACES_EXPORTER: 'none' }, { traceparent: `00-${TRACE}-${SPAN}-01`, baggage: 'a%0d%0ab=1' }],
    ['flags that nobody has defined', { OTEL_TRACES_EXPORTER: 'none' }, { traceparent: `00-${TRACE}-${SPAN}-ff` }],
    ['more baggage than is handed on', { OTEL_TRACES_EXPORTER: 'none' }, { traceparent: `00-${TRACE}-${SPAN}-01`, baggage: Array.from({ length: 500 }, (_, number) => `key${number}=${number}`).join(',') }],
  ])('%s: the request of the application goes out', async (_, env, headers) => {
    const { echoed } = await ask(env, headers, 0);
    expect(echoed.traceparent ?? '00-').toMatch(/^00-(?:[0-9a-f]{32}-[0-9a-f]{16}-0[0-3])?$/);
    expect((echoed.baggage ?? '').split(',').length).toBeLessThanOrEqual(64);
  });

  test('with no exporter, context passes through unchanged', async () => {
    const { echoed } = await ask({ OTEL_TRACES_EXPORTER: 'none' }, { traceparent: `00-${TRACE}-${SPAN}-01` }, 0);
    expect(echoed.traceparent).toBe(`00-${TRACE}-${SPAN}-01`);
  });
});

describe('samplers', () => {
  const sampled = { traceparent: `00-${TRACE}-${SPAN}-01` };
  const unsampled = { traceparent: `00-${TRACE}-${SPAN}-00` };
  test.each<[Record<string, string>, Record<string, string>, boolean]>([
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, unsampled, true],
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, sampled, false],
    [{ OTEL_TRACES_SAMPLER: 'ALWAYS_OFF' }, sampled, false],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, sampled, false],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '1' }, unsampled, true],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_on' }, unsampled, false],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_on' }, {}, true],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, sampled, true],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, {}, false],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, {}, false],
    [{ OTEL_RUN_SAMPLE: '0' }, {}, false],
  ])('%j with %j records: %s', async (env, headers, records) => {
    const { echoed, spans } = await ask(env, headers, records ? undefined : 0);
    expect(spans.length > 0).toBe(records);
    expect(echoed.traceparent).toMatch(records ? /-01$/ : /-00$/);
  });
});

describe('limits', () => {
  test('of a span hold', async () => {
    const { spans } = await ask({ OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '3', OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '2' }, {});
    const server = spans.find((span) => span.kind === 'server')!;
    expect(Object.keys(server.attributes).length).toBeLessThanOrEqual(3);
    for (const value of Object.values(server.attributes)) if (typeof value === 'string') expect(value.length).toBeLessThanOrEqual(2);
  });
});

/** Runs the fixture once and asks it once; `count` is how many spans must come (3: /in, the request to /echo, /echo). */
async function ask(env: Record<string, string>, headers: Record<string, string>, count = 3): Promise<{ echoed: Record<string, string>; spans: ReceivedSpan[] }> {
  receiver.clear();
  const service = await startService({ node, options: [], script, env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, ...env }, ready: /listening on (\d+)/ });
  const base = `http://127.0.0.1:${service.address}`;
  const echoed = (await (await fetch(`${base}/in`, { headers })).json()) as Record<string, string>;
  await fetch(`${base}/end`, { headers: { traceparent: '00-00000000000000000000000000000001-0000000000000001-00' } }).catch(() => {});
  await service.stop();
  if (count > 0) await receiver.waitForSpans(count);
  expect(service.stderr()).toBe('');
  return { echoed, spans: receiver.spans.filter((span) => span.attributes['url.path'] !== '/end') };
}
