/** Spans that have begun and not ended: what would be lost when the process exits in the middle of them. */
import type { Attributes } from '@opentelemetry/api';
import type { Span } from '@opentelemetry/sdk-trace-base';
import type { RecordStarts } from '../../plan/types.ts';

export interface OpenSpans {
  add(span: Span): void;
  delete(span: Span): void;
  has(span: unknown): span is Span;
  all(): Span[];
  /** Ends them all, innermost first, marked with the reason, and with an event of the crash where it is one. */
  endAll(reason: string, crash: Attributes | null): void;
  /** Records the starts of all that are open: the process may be gone when the next call returns. */
  recordAll(): void;
  /** Records anew what has been recorded: every segment of the spool begins with it. */
  recordAgain(): void;
}

/** Where starts are recorded, for the ends that no JavaScript sees. */
export interface StartLog {
  /** Returns how many bytes it takes; 0 where the span is not recorded. */
  record(span: Span): number;
  /** A recorded span has ended, or is not followed any more. */
  forget(span: Span): void;
  flush(): void;
  /** Calls back when the turn of the event loop is over. */
  atTurnEnd(step: () => void): void;
}

/** Set on a span that the process's end cut off; says how. */
export const UNFINISHED = 'otel_run.unfinished';
/** https://opentelemetry.io/docs/specs/semconv/app/app-events/ */
export const CRASH = 'app.crash';

/** An application that forgets to end spans must not fill its memory because of us: the oldest are let go. */
const MAX_OPEN = 4096;
/** A segment must have room for more than these. */
const MAX_RECORDED_BYTES = 256 * 1024;
/** A span is recorded when it has been open for one to two of these: most end before and cost nothing. */
const LONG_MS = 100;

// Taken before the application can replace it (fake timers of test runners do).
const { setTimeout: later } = globalThis;

export function createOpenSpans(which: RecordStarts, log: StartLog | null): OpenSpans {
  /** In the order in which they began: the number of each; once it is recorded, its bytes, negative; 0 where it is not to be. */
  const open = new Map<Span, number>();
  let last = 0;
  /** The last one that had begun when the callback was asked for. */
  let due = 0;
  let recorded = 0;
  let bytes = 0;
  let armed = false;

  const remove = (span: Span): void => {
    const number = open.get(span);
    if (number === undefined) return;
    open.delete(span);
    if (number >= 0) return;
    recorded--;
    bytes += number;
    log?.forget(span);
  };

  const record = (span: Span, starts: StartLog): void => {
    const size = bytes > MAX_RECORDED_BYTES ? 0 : starts.record(span);
    open.set(span, -size);
    if (size === 0) return;
    recorded++;
    bytes += size;
  };

  /** Records what began up to the number. */
  const look = (until: number, starts: StartLog): void => {
    armed = false;
    const before = recorded;
    for (const [span, number] of open) {
      if (number > until) {
        watch();
        break;
      }
      if (number > 0) record(span, starts);
    }
    if (recorded > before) starts.flush();
  };

  const arm = log === null || which === 'none' ? null : which === 'all' ? () => log.atTurnEnd(() => look(last, log)) : armTimer(() => look(due, log));
  const watch = (): void => {
    if (armed || arm === null) return;
    armed = true;
    due = last;
    arm();
  };

  return {
    add(span) {
      if (open.size >= MAX_OPEN) for (const oldest of open.keys()) {
        remove(oldest);
        break;
      }
      open.set(span, ++last);
      watch();
    },
    delete: remove,
    has: (span): span is Span => open.has(span as Span),
    all: () => [...open.keys()],
    endAll(reason, crash) {
      for (const span of [...open.keys()].reverse()) {
        // Written straight: the attribute counts even on a span that is at its limit of attributes.
        (span.attributes as Record<string, unknown>)[UNFINISHED] = reason;
        if (crash !== null) span.addEvent(CRASH, crash);
        span.end();
      }
    },
    recordAll() {
      if (log !== null && arm !== null && open.size > 0) look(last, log);
    },
    recordAgain() {
      if (log === null || recorded === 0) return;
      for (const [span, number] of open) if (number < 0) log.record(span);
    },
  };
}

/** One timer for the whole life: each new one would hold on to the context in which a span happens to begin. */
function armTimer(step: () => void): () => void {
  const timer = later(step, LONG_MS).unref();
  return () => void timer.refresh();
}
