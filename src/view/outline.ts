import { serviceName, type DecodedSpan } from './decode.ts';

/** A trace in one line of a list. */
export interface TraceOutline {
  readonly traceId: string;
  /** Of the span that looks most like the root. */
  readonly service: string;
  readonly root: string;
  readonly services: ReadonlySet<string>;
  readonly startNano: bigint;
  readonly endNano: bigint;
  readonly spans: number;
  readonly errors: number;
}

interface Growing {
  traceId: string;
  service: string;
  root: string;
  /** 0: no parent, 1: parent in another process, 2: a parent that is here or missing. */
  rank: number;
  rootStart: bigint;
  services: Set<string>;
  startNano: bigint;
  endNano: bigint;
  spans: number;
  errors: number;
}

/** Adds up the spans of many requests, one trace at a time. */
export function createOutliner(): { add(spans: readonly DecodedSpan[]): void; newestFirst(): TraceOutline[] } {
  const traces = new Map<string, Growing>();
  return {
    add(spans) {
      for (const span of spans) {
        const known = traces.get(span.traceId);
        if (known === undefined) traces.set(span.traceId, begin(span));
        else grow(known, span);
      }
    },
    newestFirst: () => [...traces.values()].sort((a, b) => (a.startNano < b.startNano ? 1 : a.startNano > b.startNano ? -1 : 0)),
  };
}

function begin(span: DecodedSpan): Growing {
  const service = serviceName(span.resource);
  return {
    traceId: span.traceId,
    service,
    root: span.name,
    rank: rankOf(span),
    rootStart: span.startNano,
    services: new Set([service]),
    startNano: span.startNano,
    endNano: span.endNano,
    spans: 1,
    errors: span.status.code === 'error' ? 1 : 0,
  };
}

function grow(trace: Growing, span: DecodedSpan): void {
  const service = serviceName(span.resource);
  const rank = rankOf(span);
  if (rank < trace.rank || (rank === trace.rank && span.startNano < trace.rootStart)) {
    trace.service = service;
    trace.root = span.name;
    trace.rank = rank;
    trace.rootStart = span.startNano;
  }
  trace.services.add(service);
  if (span.startNano < trace.startNano) trace.startNano = span.startNano;
  if (span.endNano > trace.endNano) trace.endNano = span.endNano;
  trace.spans++;
  if (span.status.code === 'error') trace.errors++;
}

function rankOf({ parentSpanId, parentIsRemote }: DecodedSpan): number {
  if (parentSpanId === '') return 0;
  return parentIsRemote === true ? 1 : 2;
}
