import { trace, context as activeContext, type Context, type Span, type Tracer, type TracerProvider } from '@opentelemetry/api';

/**
 * A provider for the instrumentation of the package `router`, which makes a span of every layer and has no option
 * against it. While `hasLayers` says no, its spans are stand-ins for the request's span: what happens inside
 * belongs to that one, and ending them ends nothing. Express 5 is built on `router` and reports its own layers.
 */
export function routerTracerProvider(provider: TracerProvider, hasLayers: () => boolean): TracerProvider {
  return {
    getTracer(...scope) {
      const tracer = provider.getTracer(...scope);
      const startSpan: Tracer['startSpan'] = (name, options, context = activeContext.active()) => {
        const parent = hasLayers() ? undefined : trace.getSpan(context);
        return parent === undefined ? tracer.startSpan(name, options, context) : standIn(parent);
      };
      return { startSpan, startActiveSpan: tracer.startActiveSpan.bind(tracer) } as Tracer;
    },
  };
}

function standIn(parent: Span): Span {
  return new Proxy(parent, {
    get(span, key) {
      if (key === 'end') return () => {};
      const value: unknown = Reflect.get(span, key, span);
      return typeof value === 'function' ? value.bind(span) : value;
    },
  });
}
