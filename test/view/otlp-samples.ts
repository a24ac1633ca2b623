/** Spans, metrics and log records as the OpenTelemetry SDK makes them: what our reader must agree with its serializers about. */
import { SpanKind, SpanStatusCode, TraceFlags, ValueType, context, trace } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor, type ReadableLogRecord } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  AggregationType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base';

const resource = resourceFromAttributes({ 'service.name': 'orders', 'process.pid': 42, 'list': ['a', 'b'] });

export function sampleSpans(): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const tracer = new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer('shop', '1.2.3');
  const remote = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: TraceFlags.SAMPLED, isRemote: true };
  const parent = tracer.startSpan(
    'GET /orders/:id',
    {
      kind: SpanKind.SERVER,
      startTime: [1_700_000_000, 123_456_789],
      attributes: { 'http.request.method': 'GET', 'http.response.status_code': 200, ok: true, no: false, ratio: 0.25, zero: 0, empty: '', many: [1, 2, 3], tall: 2 ** 53, none: [] },
      links: [{ context: { ...remote, spanId: '00f067aa0ba902b7' }, attributes: { why: 'batch' } }],
    },
    trace.setSpanContext(context.active(), remote),
  );
  const child = tracer.startSpan('SELECT shop', { kind: SpanKind.CLIENT, startTime: [1_700_000_000, 200_000_000] }, trace.setSpan(context.active(), parent));
  child.recordException(Object.assign(new TypeError('käputt 🧨'), { stack: 'stack' }), [1_700_000_000, 201_000_000]);
  child.setStatus({ code: SpanStatusCode.ERROR, message: 'no such table' });
  child.end([1_700_000_000, 210_000_000]);
  parent.addEvent('cache', { hit: false }, [1_700_000_000, 150_000_000]);
  parent.setStatus({ code: SpanStatusCode.OK });
  parent.end([1_700_000_001, 0]);
  return exporter.getFinishedSpans();
}

export async function sampleMetrics(): Promise<ResourceMetrics> {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const views = [{ instrumentName: 'sizes', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize: 20 } } as const }];
  const provider = new MeterProvider({ resource, readers: [reader], views });
  const meter = provider.getMeter('shop', '1.2.3');
  meter.createCounter('orders', { unit: '{order}', description: 'Orders taken', valueType: ValueType.INT }).add(7, { kind: 'book' });
  meter.createUpDownCounter('queue').add(-2.5);
  const times = meter.createHistogram('times', { unit: 'ms', advice: { explicitBucketBoundaries: [0, 5, 10.5] } });
  for (const value of [-1, 0, 7, 100]) times.record(value);
  const sizes = meter.createHistogram('sizes');
  for (const value of [0, 0.001, 3, 500, 500]) sizes.record(value);
  meter.createObservableGauge('heap').addCallback((result) => result.observe(0));
  await provider.forceFlush();
  const [metrics] = exporter.getMetrics();
  await provider.shutdown();
  return metrics!;
}

export function sampleLogs(): ReadableLogRecord[] {
  const exporter = new InMemoryLogRecordExporter();
  const logger = new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor({ exporter })] }).getLogger('shop', '1.2.3');
  logger.emit({ severityNumber: SeverityNumber.WARN, severityText: 'WARN', body: 'stock is low', timestamp: [1_700_000_000, 5], attributes: { left: 3, bytes: new Uint8Array([1, 2, 255]) } });
  logger.emit({ eventName: 'paid', body: { amount: 12.5, tags: ['x', null, 1], nested: { deep: true } }, timestamp: [1_700_000_000, 6] });
  return exporter.getFinishedLogRecords();
}
