/**
 * The tracer's one door: the OpenTelemetry API outside, finished spans inside. What makes spans (today the
 * stock SDK) can be replaced behind it.
 */
import { ProxyTracerProvider, trace, SpanStatusCode, TraceFlags, type Attributes, type Context, type Tracer, type TracerProvider } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { AgentPlan } from '../../plan/types.ts';
import { createSampler } from '../sampling/sampler.ts';
import { createOpenSpans } from './open-spans.ts';

export interface Tracing {
  readonly provider: TracerProvider;
  /** From now on every tracer lets the active context pass and makes no span: another SDK has taken over. */
  turnOff(): void;
  /** Puts an exception that nobody caught on the span it was thrown in. */
  noteException(error: unknown, leftByThrow: Context | null): void;
  /** Ends the spans that are open, marked as unfinished for this reason. */
  endOpenSpans(reason: string): void;
}

export type SpanSink = (span: ReadableSpan) => void;

export function createTracing(plan: NonNullable<AgentPlan['traces']>, resource: Attributes, sink: SpanSink): Tracing {
  const open = createOpenSpans();
  const processor: SpanProcessor = {
    onStart: (span) => open.add(span),
    onEnd(span) {
      open.delete(span as never);
      if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0) sink(span);
    },
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  const { limits } = plan;
  const sdk = new BasicTracerProvider({
    resource: resourceFromAttributes(resource),
    sampler: createSampler(plan.sampler),
    spanProcessors: [processor],
    generalLimits: {},
    spanLimits: {
      attributeValueLengthLimit: limits.attributeValueLength ?? Infinity,
      attributeCountLimit: limits.attributeCount,
      eventCountLimit: limits.eventCount,
      linkCountLimit: limits.linkCount,
      attributePerEventCountLimit: limits.attributePerEventCount,
      attributePerLinkCountLimit: limits.attributePerLinkCount,
    },
  });
  const off = { isOff: false };
  const tracers = new WeakMap<Tracer, Tracer>();
  return {
    provider: {
      getTracer(name, version, options) {
        const tracer = sdk.getTracer(name, version, options);
        let door = tracers.get(tracer);
        if (door === undefined) tracers.set(tracer, (door = createDoor(tracer, off)));
        return door;
      },
    },
    turnOff() {
      off.isOff = true;
    },
    noteException(error, leftByThrow) {
      const span = leftByThrow === null ? trace.getActiveSpan() : trace.getSpan(leftByThrow);
      if (!open.has(span)) return;
      span.recordException(error as Error);
      if (span.status.code === SpanStatusCode.UNSET) span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
    },
    endOpenSpans: (reason) => open.endAll(reason),
  };
}

/** Where traces go nowhere: no span is made, and the context of a caller still reaches the called. */
export function createPassThrough(): Tracing {
  return { provider: new ProxyTracerProvider(), turnOff() {}, noteException() {}, endOpenSpans() {} };
}

const passThrough = new ProxyTracerProvider().getTracer('otel-run');

function createDoor(tracer: Tracer, state: { readonly isOff: boolean }): Tracer {
  return {
    startSpan: (name, options, context) => (state.isOff ? passThrough : tracer).startSpan(name, options, context),
    startActiveSpan(...args: unknown[]): never {
      const target = state.isOff ? passThrough : tracer;
      return Reflect.apply(target.startActiveSpan, target, args) as never;
    },
  };
}

function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
}
