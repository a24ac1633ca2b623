/**
 * Export from inside the application with the stock exporters, where no process of ours may stand outside.
 * A bundle of its own, loaded only then.
 *
 * What one process can promise is less: the rest is sent when the event loop has run empty. `process.exit`, a
 * crash or a signal ends the process before the rest is sent, because we install no signal handler (it would
 * change what the signal does) and nothing asynchronous runs in `exit`.
 */
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Destination, HandOffPlan, OtlpDestination } from '../../plan/types.ts';
import type { Say, Way } from '../agent.ts';
import type { Redactor } from '../redact/redact.ts';
import { redactSpan } from './redact-span.ts';

const MAX_QUEUE = 4096;

export function openInProcess(plan: HandOffPlan & { kind: 'in-process' }, redactor: Redactor, say: Say): Way {
  const processors = plan.destinations
    .map((destination) => createExporter(destination, say))
    .filter((exporter) => exporter !== null)
    .map(
      (exporter) =>
        new BatchSpanProcessor(exporter, {
          scheduledDelayMillis: plan.batch.scheduleDelayMs,
          maxExportBatchSize: Math.min(plan.batch.maxItems, MAX_QUEUE),
          maxQueueSize: MAX_QUEUE,
        }),
    );
  let waiting = 0;
  return {
    starts: null,
    metering: null,
    logging: null,
    life: null,
    sink(span) {
      const clean = redactSpan(span, redactor);
      waiting++;
      for (const processor of processors) processor.onEnd(clean);
    },
    flush() {},
    loopMayEnd() {
      // `beforeExit` comes again after asynchronous work: only what is new since the last time keeps the process.
      if (waiting === 0) return;
      waiting = 0;
      for (const processor of processors) processor.forceFlush().catch(() => {});
    },
    end() {
      if (waiting > 0) say('in-process', `up to ${waiting} span${waiting === 1 ? ' was' : 's were'} not sent, because the process ended before they could be (--in-process sends from inside it).`);
      waiting = 0;
    },
  };
}

function createExporter(destination: Destination, say: Say): SpanExporter | null {
  switch (destination.kind) {
    case 'otlp':
      if (destination.protocol !== 'grpc' && destination.url.startsWith('unix:')) {
        say('in-process-unix', 'OTLP over HTTP to a unix socket needs the exporter outside the application; nothing is sent there with --in-process or otel-run/register (gRPC can).');
        return null;
      }
      return destination.signal === 'traces' ? createOtlpExporter(destination) : leaveOut(destination.signal, say);
    case 'console':
      return destination.signal === 'traces' ? consoleExporter : leaveOut(destination.signal, say);
    default:
      say(`in-process-${destination.kind}`, `"${destination.kind}" needs the exporter outside the application; it shows nothing with --in-process or otel-run/register.`);
      return null;
  }
}

function leaveOut(signal: string, say: Say): null {
  say(`in-process-${signal}`, `${signal} need the exporter outside the application; none are sent with --in-process or otel-run/register.`);
  return null;
}

function createOtlpExporter({ protocol, url, headers, timeoutMs, compression, tls }: OtlpDestination): SpanExporter {
  const common = { url, timeoutMillis: timeoutMs, compression: compression === 'gzip' ? CompressionAlgorithm.GZIP : CompressionAlgorithm.NONE };
  const [ca, cert, key] = [tls.ca, tls.cert, tls.key].map((file) => (file === undefined ? undefined : readFileSync(file)));
  if (protocol !== 'grpc') {
    const options = { ...common, headers: { ...headers }, httpAgentOptions: { keepAlive: true, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) } };
    return protocol === 'http/json' ? new JsonExporter(options) : new ProtobufExporter(options);
  }
  // grpc-js is large: loaded where it is used.
  const { credentials, Metadata } = require('@grpc/grpc-js') as typeof import('@grpc/grpc-js');
  const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-grpc') as typeof import('@opentelemetry/exporter-trace-otlp-grpc');
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const isPlain = !url.startsWith('https:');
  return new OTLPTraceExporter({ ...common, metadata, credentials: isPlain ? credentials.createInsecure() : credentials.createSsl(ca ?? null, key ?? null, cert ?? null) });
}

/** On stderr: stdout is the application's. */
const consoleExporter: SpanExporter = {
  export(spans, done) {
    for (const span of spans) process.stderr.write(`${inspect(shown(span), { depth: 4, breakLength: 160 })}\n`);
    done({ code: 0 });
  },
  shutdown: async () => {},
};

function shown(span: ReadableSpan): object {
  const { traceId, spanId } = span.spanContext();
  const { name, kind, attributes, status, events, duration } = span;
  return { name, kind, traceId, spanId, parent: span.parentSpanContext?.spanId, ms: duration[0] * 1e3 + duration[1] / 1e6, attributes, status, events };
}
