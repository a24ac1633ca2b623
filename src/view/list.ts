import type { AttributeValue, Attributes, DecodedSpan } from './decode.ts';
import type { TraceOutline } from './outline.ts';
import { paintLine, type Piece } from './paint.ts';
import { age, counted, displayWidth, duration, fit, oneLine } from './words.ts';

/**
 * Traces one a line under a heading:
 *
 *     TRACE     AGE       SERVICE  ROOT             DURATION  SPANS  ERRORS
 *     0af76519  12 s ago  orders   GET /orders/:id     45 ms      7       1
 */
export function listTraces(shown: readonly TraceOutline[], all: readonly TraceOutline[], paper: { readonly colour: boolean; readonly width: number; readonly now: number }): string {
  const digits = distinctDigits(all);
  const rows = shown.map((trace) => ({
    failed: trace.errors > 0,
    cells: [
      oneLine(trace.traceId.slice(0, digits)),
      age(paper.now - Number(trace.startNano / 1_000_000n)),
      fit(oneLine(trace.service, 100), 24) + (trace.services.size > 1 ? ` +${trace.services.size - 1}` : ''),
      fit(oneLine(trace.root, 200), Math.max(20, paper.width - digits - 70)),
      duration(trace.endNano - trace.startNano),
      String(trace.spans),
      trace.errors === 0 ? '' : String(trace.errors),
    ],
  }));
  const widths = heading.map((title, at) => Math.max(title.length, ...rows.map(({ cells }) => displayWidth(cells[at]!))));
  const lines = [paintLine(pieces(heading, widths, () => 'dim'), paper)];
  for (const { cells, failed } of rows) lines.push(paintLine(pieces(cells, widths, (at) => (at === 0 ? 'cyan' : failed && at === 6 ? 'red' : 'plain')), paper));
  const rest = all.length - shown.length;
  const more = rest > 0 ? `${counted(rest, 'older trace')} not shown (--limit ${all.length}). ` : '';
  lines.push('', paintLine([{ text: `${more}otel-run traces <id> shows one of them.`, style: 'dim' }], paper));
  return `${lines.join('\n')}\n`;
}

export function outlineToJson(trace: TraceOutline): object {
  return {
    traceId: trace.traceId,
    service: trace.service,
    services: [...trace.services],
    root: trace.root,
    startTimeUnixNano: String(trace.startNano),
    durationMs: Number(trace.endNano - trace.startNano) / 1e6,
    spans: trace.spans,
    errors: trace.errors,
  };
}

export function spanToJson(span: DecodedSpan): object {
  const { startNano, endNano, resource, scope, attributes, events, links, ...rest } = span;
  return {
    ...rest,
    startTimeUnixNano: String(startNano),
    endTimeUnixNano: String(endNano),
    attributes: plain(attributes),
    events: events.map(({ timeNano, name, attributes }) => ({ timeUnixNano: String(timeNano), name, attributes: plain(attributes) })),
    links: links.map((link) => ({ ...link, attributes: plain(link.attributes) })),
    resource: plain(resource.attributes),
    scope: { name: scope.name, version: scope.version },
  };
}

const heading = ['TRACE', 'AGE', 'SERVICE', 'ROOT', 'DURATION', 'SPANS', 'ERRORS'];
const RIGHT_FROM = 4;

function pieces(cells: readonly string[], widths: readonly number[], style: (at: number) => Piece['style']): Piece[] {
  return cells.map((cell, at) => {
    const fill = ' '.repeat(widths[at]! - displayWidth(cell));
    return { text: `${at === 0 ? '' : '  '}${at >= RIGHT_FROM ? fill + cell : cell + fill}`, style: style(at) };
  });
}

/** As many digits of the ids as tell all of them apart, eight at least. */
function distinctDigits(all: readonly TraceOutline[]): number {
  let digits = 8;
  while (digits < 32 && new Set(all.map(({ traceId }) => traceId.slice(0, digits))).size < all.length) digits++;
  return digits;
}

function plain(attributes: Attributes): object {
  return Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, plainValue(value)]));
}

function plainValue(value: AttributeValue): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return Array.isArray(value) ? value.map(plainValue) : plain(value as Attributes);
}
