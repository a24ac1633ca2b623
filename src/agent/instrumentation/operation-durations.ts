/**
 * `db.client.operation.duration`, of which most instrumentations of databases know nothing: taken from the spans that they make,
 * one for each operation. https://opentelemetry.io/docs/specs/semconv/db/database-metrics/#metric-dbclientoperationduration
 */
import { INVALID_SPAN_CONTEXT, SpanKind, SpanStatusCode, ValueType, context, trace, type Attributes, type Context, type Exception, type MeterProvider, type Span, type SpanOptions, type Tracer, type TracerProvider } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import type { Span as SdkSpan } from '@opentelemetry/sdk-trace-base';
import { UNFINISHED } from '../tracer/open-spans.ts';
import { describeFailure } from './database-failures.ts';
import { statementCommand } from './postgres-names.ts';
import { hasSteppedAside } from './step-aside.ts';

/** Libraries on top of these (knex, mongoose) make spans of the same operations. That of oracledb measures by itself. */
const MEASURED: ReadonlySet<string> = new Set(['cassandra-driver', 'ioredis', 'memcached', 'mongodb', 'mysql', 'mysql2', 'pg', 'redis', 'tedious']);

export function measuresOperations(name: string): boolean {
  return MEASURED.has(name);
}

const BOUNDARIES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
const KEYS = ['db.system.name', 'db.namespace', 'db.collection.name', 'db.operation.name', 'db.stored_procedure.name', 'db.response.status_code', 'error.type', 'server.address', 'server.port'] as const;

// Taken before the application can replace it.
const now = performance.now.bind(performance);

/** `seconds` of an operation whose span has or would have these attributes. */
type Measure = (span: Span, seconds: number, attributes: Attributes, failed: boolean) => void;

/** Operations are measured whether or not their spans are sampled. */
export function withDurations(provider: TracerProvider, meters: MeterProvider): TracerProvider {
  return {
    getTracer(...scope) {
      const tracer = provider.getTracer(...scope);
      const histogram = meters.getMeter(scope[0], scope[1]).createHistogram('db.client.operation.duration', { unit: 's', description: 'Duration of database client operations.', valueType: ValueType.DOUBLE, advice: { explicitBucketBoundaries: BOUNDARIES } });
      const measure: Measure = (span, seconds, attributes, failed) => histogram.record(seconds, pick(attributes, failed), trace.setSpan(context.active(), span));
      return {
        startSpan(name, options, at) {
          const span = tracer.startSpan(name, options, at);
          if (!isOperation(name, options) || hasSteppedAside() || isTracingSuppressed(at ?? context.active())) return span;
          return span.isRecording() ? followRecorded(span as SdkSpan, measure) : followUnrecorded(span, options?.attributes ?? {}, at, measure);
        },
        startActiveSpan: tracer.startActiveSpan.bind(tracer) as Tracer['startActiveSpan'],
      };
    },
  };
}

/** To connect is none. */
function isOperation(name: string, options: SpanOptions | undefined): boolean {
  return options?.kind === SpanKind.CLIENT && options.attributes?.['db.system.name'] !== undefined && !/^(?:pg\.|pg-pool\.|redis-)?connect$/.test(name);
}

function followRecorded(span: SdkSpan, measure: Measure): Span {
  const { end } = span;
  span.end = function (time) {
    const isFirst = !this.ended;
    end.call(this, time);
    if (!isFirst || UNFINISHED in this.attributes) return;
    const [seconds, nanos] = this.duration;
    measure(this, seconds + nanos / 1e9, this.attributes, this.status.code === SpanStatusCode.ERROR);
  };
  return span;
}

/** A span that nobody will see, and that hears what becomes of the operation as one that is recorded does. */
function followUnrecorded(span: Span, given: Attributes, at: Context | undefined, measure: Measure): Span {
  const began = now();
  const attributes: Attributes = { ...given };
  let failed = false;
  let isOver = false;
  const own = span.spanContext();
  // One without ids of its own would hide those of the caller.
  const twin = trace.wrapSpanContext(trace.isSpanContextValid(own) ? own : (trace.getSpanContext(at ?? context.active()) ?? INVALID_SPAN_CONTEXT));
  return Object.assign(twin, {
    attributes,
    isRecording: () => !isOver,
    setAttribute(key: string, value: Attributes[string]) {
      attributes[key] = value;
      return twin;
    },
    setAttributes(more: Attributes) {
      Object.assign(attributes, more);
      return twin;
    },
    setStatus({ code }: { readonly code: SpanStatusCode }) {
      failed = code === SpanStatusCode.ERROR;
      return twin;
    },
    recordException(exception: Exception) {
      const { statusCode, type } = describeFailure(exception);
      attributes['error.type'] = type;
      if (statusCode !== undefined) attributes['db.response.status_code'] = statusCode;
    },
    end() {
      if (!isOver) measure(twin, (now() - began) / 1000, attributes, failed);
      isOver = true;
    },
  });
}

function pick(all: Attributes, failed: boolean): Attributes {
  const attributes: Attributes = {};
  for (const key of KEYS) if (all[key] !== undefined) attributes[key] = all[key];
  const command = attributes['db.operation.name'] === undefined ? commandOf(all) : undefined;
  if (command !== undefined) attributes['db.operation.name'] = command;
  if (failed) attributes['error.type'] ??= '_OTHER';
  return attributes;
}

const COMMANDS: ReadonlySet<string> = new Set('ALTER ANALYZE BEGIN CALL CLOSE COMMIT COPY CREATE DECLARE DELETE DO DROP EXECUTE EXPLAIN FETCH GRANT INSERT LISTEN LOCK MERGE NOTIFY REFRESH RELEASE REPLACE REVOKE ROLLBACK SAVEPOINT SELECT SET SHOW START TRUNCATE UPDATE USE VACUUM VALUES WITH'.split(' '));

/** Of a statement: one of a few, and no value of the application. */
function commandOf({ 'db.query.text': text }: Attributes): string | undefined {
  const command = typeof text === 'string' ? statementCommand(text) : undefined;
  return command !== undefined && COMMANDS.has(command) ? command : undefined;
}
