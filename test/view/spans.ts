import type { DecodedSpan } from '../../src/view/decode.ts';

export const TRACE = '0af7651916cd43dd8448eb211c80319c';
const START = 1_700_000_000_000_000_000n;
const MS = 1_000_000;

type Extra = Partial<Omit<DecodedSpan, 'attributes'>> & { attributes?: Record<string, string | number | boolean | readonly string[]>; service?: string };

/** A span of the trace `TRACE`: ids are free words, times milliseconds. */
export function span(spanId: string, parentSpanId: string, name: string, [start, length]: [number, number], extra: Extra = {}): DecodedSpan {
  const { service = 'orders', attributes = {}, ...rest } = extra;
  return {
    traceId: TRACE,
    spanId,
    parentSpanId,
    parentIsRemote: null,
    name,
    kind: 'internal',
    startNano: START + BigInt(Math.round(start * MS)),
    endNano: START + BigInt(Math.round((start + length) * MS)),
    attributes: Object.assign(Object.create(null) as Record<string, string>, attributes),
    status: { code: 'unset', message: '' },
    events: [],
    links: [],
    resource: { attributes: { 'service.name': service }, schemaUrl: '' },
    scope: { name: '', version: '', attributes: {} },
    droppedCounts: { attributes: 0, events: 0, links: 0 },
    ...rest,
  };
}

export function exception(type: string, message: string): DecodedSpan['events'][number] {
  return { timeNano: START, name: 'exception', attributes: { 'exception.type': type, 'exception.message': message } };
}
