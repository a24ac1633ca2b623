/**
 * The tracer's one door: the OpenTelemetry API outside, finished spans inside. What makes spans (today the
 * stock SDK) can be replaced behind it.
 */
import { ProxyTracerProvider, SpanStatusCode, context, trace, type Attributes, type Context, type Span, type SpanContext, type SpanOptions, type Tracer, type TracerProvider } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { AgentPlan } from '../../plan/types.ts';
import { createSampler } from '../sampling/sampler.ts';
import { createDelivery } from './delivery.ts';
import { guardSpans, startGuarded } from './guard-spans.ts';
import { createOpenSpans, type StartLog } from './open-spans.ts';
import { spanless } from './spanless.ts';

export interface Tracing {
  /** For the application: its tracers, early ones too, are those of a successor once there is one. */
  readonly provider: TracerProvider;
  /** For our instrumentations: once there is a successor their tracers make no span and let the active context pass. */
  readonly ownProvider: TracerProvider;
  /** Another SDK has taken over. */
  turnOff(successor: TracerProvider): void;
  /** Puts an exception that nobody caught on the innermost open span that it was thrown in, and names that span. */
  noteException(error: unknown, leftByThrow: readonly Context[]): SpanContext | undefined;
  openSpanNames(): string[];
  /** Ends the spans that are open, marked as unfinished for this reason; at a crash each gets an event of it with these attributes. */
  endOpenSpans(reason: string, crash: Attributes | null): void;
  /** The process may be gone in a moment: what is open is recorded. */
  recordOpenSpans(): void;
  /** The spool has a new segment, which must hold what is recorded. */
  recordAgain(): void;
}

export type SpanSink = (span: ReadableSpan) => void;

/** `beforeSpan` is asked before each span until there is a successor: it may name one. */
export function createTracing(plan: NonNullable<AgentPlan['traces']>, resource: Attributes, sink: SpanSink, starts: StartLog | null, beforeSpan: () => void): Tracing {
  const open = createOpenSpans(plan.recordStarts, starts);
  const delivery = createDelivery(open, sink);
  const processor: SpanProcessor = {
    onStart(span) {
      guardSpans(span, delivery.onEndFailed);
      open.add(span);
    },
    onEnd: delivery.onEnd,
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
  let successor: TracerProvider | null = null;
  const whoTraces = (): TracerProvider | null => {
    if (successor === null) beforeSpan();
    return successor;
  };
  return {
    provider: createFace(sdk, (...scope) => whoTraces()?.getTracer(...scope)),
    ownProvider: createFace(sdk, () => (whoTraces() === null ? undefined : spanless)),
    turnOff(provider) {
      successor = provider;
    },
    noteException(error, leftByThrow) {
      const spans = [...leftByThrow, context.active()].map((one) => trace.getSpan(one));
      const span = spans.find((one) => open.has(one));
      if (!open.has(span)) return undefined;
      span.recordException(error as Error);
      if (span.status.code === SpanStatusCode.UNSET) span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
      return span.spanContext();
    },
    openSpanNames: () => open.all().map(({ name }) => String(name)),
    endOpenSpans: delivery.endAll,
    recordOpenSpans: () => open.recordAll(),
    recordAgain: () => open.recordAgain(),
  };
}

/** Where traces go nowhere: no span is made, and the context of a caller still reaches the called. */
export function createPassThrough(): Tracing {
  const provider = new ProxyTracerProvider();
  return { provider, ownProvider: provider, turnOff() {}, noteException: () => undefined, openSpanNames: () => [], endOpenSpans() {}, recordOpenSpans() {}, recordAgain() {} };
}

type Scope = Parameters<TracerProvider['getTracer']>;

/** Tracers of `sdk` for as long as `successor` has none for the scope. */
function createFace(sdk: TracerProvider, successor: (...scope: Scope) => Tracer | undefined): TracerProvider {
  const faces = new WeakMap<Tracer, Tracer>();
  return {
    getTracer(...scope) {
      const tracer = sdk.getTracer(...scope);
      let face = faces.get(tracer);
      if (face === undefined) faces.set(tracer, (face = createTracerFace(tracer, () => successor(...scope))));
      return face;
    },
  };
}

function createTracerFace(tracer: Tracer, successor: () => Tracer | undefined): Tracer {
  let isPassing = false;
  const face: Tracer = {
    startSpan(name, options, at) {
      // A successor that wraps what it found comes back here: then it is ours that is wanted.
      const next = isPassing ? undefined : successor();
      if (next === undefined) return startGuarded((word, what) => tracer.startSpan(word, what, at), name, options);
      isPassing = true;
      try {
        return next.startSpan(name, options, at);
      } finally {
        isPassing = false;
      }
    },
    startActiveSpan<F extends (span: Span) => unknown>(name: string, ...rest: [F] | [SpanOptions, F] | [SpanOptions, Context, F]): ReturnType<F> {
      const fn = rest.at(-1) as F;
      const options = rest.length > 1 ? (rest[0] as SpanOptions) : undefined;
      const at = rest.length > 2 ? (rest[1] as Context) : context.active();
      const span = face.startSpan(name, options, at);
      return context.with(trace.setSpan(at, span), fn as (span: Span) => ReturnType<F>, undefined, span);
    },
  };
  return face;
}

function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
}
