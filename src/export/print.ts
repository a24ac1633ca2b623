import { decodeSpans, type DecodedSpan } from '../view/decode.ts';
import { drawTrace } from '../view/tree.ts';
import { counted } from '../view/words.ts';
import type { Terminal } from './stderr.ts';
import type { Exporter } from './types.ts';

export interface PrintLimits {
  /** A trace is printed when nothing was added for so long: whole, begun elsewhere, or with a parent that is still awaited. */
  readonly quietMs: { readonly whole: number; readonly remote: number; readonly incomplete: number };
  /** Bounds on all that waits. */
  readonly pendingSpans: number;
  readonly pendingBytes: number;
  /** Spans of one trace that are kept to be drawn; the rest is counted. */
  readonly spansPerTrace: number;
  readonly tracesPerSecond: number;
  readonly linesPerTrace: number;
  /** Spans that are remembered, so that late ones can say where they belong. */
  readonly remembered: number;
}

const defaults: PrintLimits = {
  quietMs: { whole: 300, remote: 1000, incomplete: 5000 },
  pendingSpans: 20_000,
  pendingBytes: 32 * 1024 * 1024,
  spansPerTrace: 5000,
  tracesPerSecond: 200,
  linesPerTrace: 200,
  remembered: 50_000,
};

interface Pending {
  readonly traceId: string;
  readonly spans: DecodedSpan[];
  omitted: number;
  bytes: number;
  changedAt: number;
}

/** `--print`: each trace as a tree, as soon as it looks complete; spans that come later as additions. */
export function createPrintExporter(terminal: Terminal, limits: PrintLimits = defaults): Exporter {
  const pending = new Map<string, Pending>();
  const drawn = new Map<string, Map<string, string>>();
  let pendingSpans = 0;
  let pendingBytes = 0;
  let drawnSpans = 0;
  let timer: NodeJS.Timeout | null = null;
  let second = { start: 0, printed: 0 };
  let untold = 0;

  return {
    name: 'traces on stderr',
    async export({ signal, body, count }) {
      if (signal !== 'traces') return { kind: 'delivered', rejected: 0 };
      let spans: DecodedSpan[];
      try {
        spans = decodeSpans(body);
      } catch (error) {
        return { kind: 'refused', reason: (error as Error).message };
      }
      for (const span of spans) collect(span, body.length / Math.max(1, count));
      for (const trace of pending.values()) {
        if (pendingSpans <= limits.pendingSpans && pendingBytes <= limits.pendingBytes) break;
        print(trace);
      }
      schedule();
      return { kind: 'delivered', rejected: 0 };
    },
    async close() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      for (const trace of [...pending.values()]) print(trace);
      tellUntold();
    },
  };

  function collect(span: DecodedSpan, bytes: number): void {
    let trace = pending.get(span.traceId);
    if (trace === undefined) {
      trace = { traceId: span.traceId, spans: [], omitted: 0, bytes: 0, changedAt: 0 };
      pending.set(span.traceId, trace);
    }
    trace.changedAt = performance.now();
    // The first span of a process comes last: it is kept however many came before.
    if (trace.spans.length >= limits.spansPerTrace && span.parentSpanId !== '' && span.parentIsRemote !== true) {
      trace.omitted++;
      return;
    }
    trace.spans.push(span);
    trace.bytes += bytes;
    pendingSpans++;
    pendingBytes += bytes;
  }

  function schedule(): void {
    if (timer !== null || (pending.size === 0 && untold === 0)) return;
    timer = setTimeout(() => {
      timer = null;
      const now = performance.now();
      for (const trace of [...pending.values()]) if (now - trace.changedAt >= patience(trace)) print(trace);
      if (now - second.start >= 1000) tellUntold();
      schedule();
    }, limits.quietMs.whole / 3);
    timer.unref();
  }

  function patience({ traceId, spans }: Pending): number {
    const known = drawn.get(traceId);
    const ids = new Set(spans.map(({ spanId }) => spanId));
    let longest = limits.quietMs.whole;
    for (const { parentSpanId, parentIsRemote } of spans) {
      if (parentSpanId === '' || ids.has(parentSpanId) || known?.has(parentSpanId) === true) continue;
      if (parentIsRemote !== true) return limits.quietMs.incomplete;
      longest = limits.quietMs.remote;
    }
    return longest;
  }

  function print(trace: Pending): void {
    pending.delete(trace.traceId);
    pendingSpans -= trace.spans.length;
    pendingBytes -= trace.bytes;
    const now = performance.now();
    if (now - second.start >= 1000) {
      tellUntold();
      second = { start: now, printed: 0 };
    }
    if (++second.printed > limits.tracesPerSecond) {
      untold++;
      return;
    }
    const before = drawn.get(trace.traceId);
    const { colour, width } = terminal;
    const text = drawTrace(trace.spans, { colour, width, maxLines: limits.linesPerTrace, omitted: trace.omitted, ...(before === undefined ? {} : { drawn: before }) });
    if (!terminal.write(`${text}\n`)) untold++;
    else remember(trace, before ?? new Map());
  }

  function remember({ traceId, spans }: Pending, names: Map<string, string>): void {
    drawnSpans -= names.size;
    for (const { spanId, name } of spans) names.set(spanId, name.slice(0, 100));
    drawnSpans += names.size;
    drawn.delete(traceId);
    drawn.set(traceId, names);
    for (const [oldest, { size }] of drawn) {
      if (drawnSpans <= limits.remembered) break;
      drawn.delete(oldest);
      drawnSpans -= size;
    }
  }

  function tellUntold(): void {
    if (untold > 0 && terminal.write(`… ${counted(untold, 'more trace')} not printed: too many at once\n\n`)) untold = 0;
  }
}
