import type { Context, Span, Tracer, TracerProvider } from '@opentelemetry/api';

/** A provider for one instrumentation whose spans are started by way of `startSpan`. */
export function wrapTracers(provider: TracerProvider, startSpan: (start: () => Span, at: Context | undefined) => Span): TracerProvider {
  return {
    getTracer(...scope) {
      const tracer = provider.getTracer(...scope);
      return {
        startSpan: (name, options, at) => startSpan(() => tracer.startSpan(name, options, at), at),
        startActiveSpan: tracer.startActiveSpan.bind(tracer) as Tracer['startActiveSpan'],
      };
    },
  };
}
