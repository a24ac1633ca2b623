/** Spans that have begun and not ended: what would be lost when the process exits in the middle of them. */
import type { Span } from '@opentelemetry/sdk-trace-base';

export interface OpenSpans {
  add(span: Span): void;
  delete(span: Span): void;
  has(span: unknown): span is Span;
  /** Ends them all, innermost first, marked with the reason. */
  endAll(reason: string): void;
}

/** Set on a span that the process's end cut off; says how. */
export const UNFINISHED = 'otel_run.unfinished';

/** An application that forgets to end spans must not fill its memory because of us: the oldest are let go. */
const MAX_OPEN = 4096;

export function createOpenSpans(): OpenSpans {
  const open = new Set<Span>();
  return {
    add(span) {
      if (open.size >= MAX_OPEN) for (const oldest of open) {
        open.delete(oldest);
        break;
      }
      open.add(span);
    },
    delete: (span) => void open.delete(span),
    has: (span): span is Span => open.has(span as Span),
    endAll(reason) {
      for (const span of [...open].reverse()) {
        // Written straight: the attribute counts even on a span that is at its limit of attributes.
        (span.attributes as Record<string, unknown>)[UNFINISHED] = reason;
        span.end();
      }
      open.clear();
    },
  };
}
