/** Hands finished spans on, each once: those for which there is no room on the stack as soon as there is. */
import { TraceFlags, type Attributes } from '@opentelemetry/api';
import type { ReadableSpan, Span } from '@opentelemetry/sdk-trace-base';
import type { OpenSpans } from './open-spans.ts';

export interface Delivery {
  onEnd(span: ReadableSpan): void;
  /** The end of this span broke off somewhere. */
  onEndFailed(span: Span): void;
  /** The process ends: what is open is ended and marked with the reason, and with an event of the crash where it is one. */
  endAll(reason: string, crash: Attributes | null): void;
}

/** `sink` throws where it has not taken the span. Little is called here: any call may fail. */
export function createDelivery(open: OpenSpans, sink: (span: ReadableSpan) => void): Delivery {
  let late: ReadableSpan[] = [];
  /** Handed on, and still among the open ones. */
  let lingering: ReadableSpan[] = [];
  /** The last span that was handed on or put aside. */
  let taken: ReadableSpan | null = null;

  const onEnd = (span: ReadableSpan): void => {
    try {
      if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0) sink(span);
    } catch {
      late[late.length] = span;
    }
    taken = span;
    try {
      open.delete(span as Span);
    } catch {
      lingering[lingering.length] = span;
    }
  };
  const deliverLate = (): void => {
    for (const span of lingering) open.delete(span as Span);
    lingering = [];
    const spans = late;
    late = [];
    for (const span of spans) {
      if (span.ended) onEnd(span);
      else (span as Span).end();
    }
  };
  return {
    onEnd,
    onEndFailed(span) {
      if (taken !== span) late[late.length] = span;
      taken = span;
      queueMicrotask(deliverLate);
    },
    endAll(reason, crash) {
      deliverLate();
      // What has ended and is there all the same could not even be put aside.
      for (const span of open.all()) if (span.ended) onEnd(span);
      open.endAll(reason, crash);
    },
  };
}
