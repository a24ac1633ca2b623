import { field, fixed32, fixed64, text, varint } from '../view/wire.ts';
import type { Batch } from '../../src/export/types.ts';

export interface SpanSketch {
  /** A few hex digits; zeros follow. */
  readonly trace: string;
  readonly id: string;
  readonly parent?: string;
  readonly remote?: boolean;
  readonly name: string;
  /** Milliseconds. */
  readonly at?: number;
  readonly length?: number;
  readonly failed?: boolean;
  readonly padding?: number;
}

const START = 1_700_000_000_000n;

/** An export request with the spans of one service. */
export function traceBatch(service: string, ...spans: readonly SpanSketch[]): Batch {
  const resource = field(1, field(1, text(1, 'service.name'), field(2, text(1, service))));
  return { signal: 'traces', count: spans.length, body: field(1, resource, field(2, ...spans.map((span) => field(2, ...spanFields(span))))) };
}

export const traceId = (start: string): string => start.padEnd(32, '0');

function spanFields({ trace, id, parent, remote = false, name, at = 0, length = 1, failed = false, padding = 0 }: SpanSketch): Buffer[] {
  const start = (START + BigInt(at)) * 1_000_000n;
  return [
    field(1, Buffer.from(traceId(trace), 'hex')),
    field(2, Buffer.from(id.padEnd(16, '0'), 'hex')),
    ...(parent === undefined ? [] : [field(4, Buffer.from(parent.padEnd(16, '0'), 'hex'))]),
    text(5, name),
    fixed64(7, start),
    fixed64(8, start + BigInt(length) * 1_000_000n),
    ...(padding === 0 ? [] : [field(9, text(1, 'padding'), field(2, text(1, 'x'.repeat(padding))))]),
    ...(failed ? [field(15, varint(3, 2n))] : []),
    fixed32(16, remote ? 0x300 : 0x100),
  ];
}
