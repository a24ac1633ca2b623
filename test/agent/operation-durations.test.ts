/** Which spans of a database's instrumentation are operations, and what is measured of them: with the SDKs that the agent has. */
import { SpanKind, SpanStatusCode, TraceFlags, context, trace, type Attributes, type Span } from '@opentelemetry/api';
import { AlwaysOffSampler, AlwaysOnSampler, BasicTracerProvider, type Sampler } from '@opentelemetry/sdk-trace-base';
import { suppressTracing } from '@opentelemetry/core';
import { InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader, type DataPoint, type Histogram } from '@opentelemetry/sdk-metrics';
import { describe, expect, test } from 'vitest';
import { withDurations } from '../../src/agent/instrumentation/operation-durations.ts';

const MYSQL: Attributes = { 'db.system.name': 'mysql', 'db.query.text': '/* why */ insert into orders values (?)', 'server.address': 'db', 'server.port': 3306, 'db.user': 'planted' };

/** What has been measured once `play` has run: count and attributes of each series. */
async function measured(sampler: Sampler, play: (start: (name: string, attributes?: Attributes, kind?: SpanKind, at?: Parameters<typeof trace.getSpan>[0]) => Span) => void): Promise<[count: number, attributes: Attributes][]> {
  const reader = new PeriodicExportingMetricReader({ exporter: new InMemoryMetricExporter(1), exportIntervalMillis: 1e6 });
  const tracer = withDurations(new BasicTracerProvider({ sampler }), new MeterProvider({ readers: [reader] })).getTracer('driver', '1');
  play((name, attributes = MYSQL, kind = SpanKind.CLIENT, at = context.active()) => tracer.startSpan(name, { kind, attributes }, at));
  const { resourceMetrics } = await reader.collect();
  const metrics = resourceMetrics.scopeMetrics.flatMap(({ scope, metrics: own }) => own.map((metric) => ({ scope, ...metric })));
  for (const { scope, descriptor } of metrics) expect([scope.name, descriptor.name, descriptor.unit]).toEqual(['driver', 'db.client.operation.duration', 's']);
  return metrics.flatMap(({ dataPoints }) => dataPoints as DataPoint<Histogram>[]).map(({ value, attributes }) => [value.count, attributes]);
}

const INSERT = { 'db.system.name': 'mysql', 'db.operation.name': 'INSERT', 'server.address': 'db', 'server.port': 3306 };

describe.each([['sampled', new AlwaysOnSampler()], ['not sampled', new AlwaysOffSampler()]] as const)('%s', (_, sampler) => {
  test('an operation is measured once, with the attributes of the conventions alone', async () => {
    expect(await measured(sampler, (start) => {
      const span = start('INSERT');
      span.end();
      span.end();
      start('INSERT').end();
    })).toEqual([[2, INSERT]]);
  });

  test('what the instrumentation says later counts; how it failed, as far as it says so', async () => {
    expect(await measured(sampler, (start) => {
      start('later').setAttribute('db.operation.name', 'BATCH').setAttributes({ 'db.namespace': 'shop' }).end();
      start('silent').setStatus({ code: SpanStatusCode.ERROR, message: 'planted' }).end();
      start('said').setAttribute('error.type', '1062').setStatus({ code: SpanStatusCode.ERROR }).end();
      start('other', { ...MYSQL, 'db.query.text': 'planted words' }).end();
    })).toStrictEqual([
      [1, { ...INSERT, 'db.operation.name': 'BATCH', 'db.namespace': 'shop' }],
      [1, { ...INSERT, 'error.type': '_OTHER' }],
      [1, { ...INSERT, 'error.type': '1062' }],
      [1, { 'db.system.name': 'mysql', 'server.address': 'db', 'server.port': 3306 }],
    ]);
  });

  test('to connect is no operation, nor is what is no client of a database, nor what is suppressed or cut off', async () => {
    expect(await measured(sampler, (start) => {
      for (const name of ['connect', 'redis-connect', 'pg.connect', 'pg-pool.connect']) start(name).end();
      start('inside', MYSQL, SpanKind.INTERNAL).end();
      start('request', { 'http.request.method': 'GET' }).end();
      start('suppressed', MYSQL, SpanKind.CLIENT, suppressTracing(context.active())).end();
      start('never ends');
    })).toEqual([]);
  });
});

test('one that is not recorded hides no caller', () => {
  const caller = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: TraceFlags.SAMPLED };
  const nobody = { getTracer: () => trace.getTracer('nobody') };
  const tracer = withDurations(nobody, new MeterProvider()).getTracer('driver');
  const span = tracer.startSpan('INSERT', { kind: SpanKind.CLIENT, attributes: MYSQL }, trace.setSpanContext(context.active(), caller));
  expect(span.spanContext()).toMatchObject(caller);
});
