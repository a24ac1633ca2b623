import { arrangeSpans, type SpanNode } from './arrange.ts';
import { serviceName, type DecodedSpan } from './decode.ts';
import { describeError, describeSpan } from './describe.ts';
import { paintLine, type Piece } from './paint.ts';
import { counted, duration, oneLine } from './words.ts';

export interface TreeOptions {
  readonly colour: boolean;
  /** Columns. */
  readonly width: number;
  /** Lines at most; what is left out is counted. */
  readonly maxLines?: number;
  /** Spans of the trace that are not among those given. */
  readonly omitted?: number;
  /** Names by id of spans that were drawn before: what comes now is drawn as an addition to them. */
  readonly drawn?: ReadonlyMap<string, string>;
}

/**
 * One trace as a tree, every line ended:
 *
 *     trace 0af7651916cd43dd8448eb211c80319c  2 spans  877 ms  1 error
 *       877 ms ━━━━━━━━━━━━━━━━ [orders] GET /orders/:id  server  200  /orders/7
 *        10 ms  ━               └─ SELECT shop  client  postgresql  SELECT * FROM orders WHERE id = $1
 *                                  error: no such table
 */
export function drawTrace(spans: readonly DecodedSpan[], options: TreeOptions): string {
  const roots = arrangeSpans(spans);
  const [start, end] = extent(roots);
  const total = roots.reduce((sum, { size }) => sum + size, 0) + (options.omitted ?? 0);
  const errors = roots.reduce((sum, root) => sum + root.errors, 0);
  const drawing: Drawing = { ...options, start, span: Number(end - start), barWidth: options.width >= 90 ? BAR_WIDTH : 0, lines: [] };

  const title: Piece[] = [
    { text: `trace ${oneLine(spans[0]?.traceId ?? '')}`, style: 'bold' },
    { text: `  ${options.drawn === undefined ? '' : 'late: '}${counted(total, 'span')}  ${duration(end - start)}`, style: 'plain' },
  ];
  if (errors > 0) title.push({ text: `  ${counted(errors, 'error')}`, style: 'red' });
  drawing.lines.push(paintLine(title, options));
  const shown = drawNodes(roots, drawing, options.maxLines ?? 1000);
  if (shown < total) drawing.lines.push(paintLine([...gutter(drawing), { text: `… ${counted(total - shown, 'more span')} not shown`, style: 'dim' }], options));
  return `${drawing.lines.join('\n')}\n`;
}

const BAR_WIDTH = 16;
const DURATION_WIDTH = 8;
/** Children of one span that are drawn at most. */
const MAX_CHILDREN = 100;

interface Drawing extends TreeOptions {
  readonly start: bigint;
  /** Nanoseconds from the first start to the last end. */
  readonly span: number;
  readonly barWidth: number;
  readonly lines: string[];
}

interface Step {
  readonly node: SpanNode;
  /** What stands before the node's own branch, and before its children's. */
  readonly prefix: string;
  readonly below: string;
  readonly service: string;
}

/** Draws depth first, with a stack of its own. Answers how many spans were drawn or counted in a line about several. */
function drawNodes(roots: readonly SpanNode[], drawing: Drawing, maxLines: number): number {
  const maxPrefix = Math.max(12, Math.floor(drawing.width / 3));
  const stack: (Step | { readonly note: string; readonly prefix: string; readonly spans: number })[] = [];
  let shown = 0;
  push(roots, '', '', true);
  while (stack.length > 0 && drawing.lines.length < maxLines) {
    const step = stack.pop()!;
    if ('note' in step) {
      drawing.lines.push(paintLine([...gutter(drawing), { text: `${step.prefix}${step.note}`, style: 'dim' }], drawing));
      shown += step.spans;
      continue;
    }
    const { node, below } = step;
    drawSpan(step, drawing);
    shown++;
    if (node.children.length === 0) continue;
    if (below.length >= maxPrefix) {
      stack.push({ note: `└─ … ${counted(node.size - 1, 'span')} deeper`, prefix: below, spans: node.size - 1 });
    } else {
      push(node.children, below, serviceName(node.span.resource), false);
    }
  }
  return shown;

  function push(nodes: readonly SpanNode[], prefix: string, service: string, areRoots: boolean): void {
    const drawn = nodes.slice(0, MAX_CHILDREN);
    const rest = nodes.slice(MAX_CHILDREN);
    if (rest.length > 0) {
      const left = rest.reduce((sum, { size }) => sum + size, 0);
      const failed = rest.reduce((sum, { errors }) => sum + errors, 0);
      const among = failed > 0 ? `, ${counted(failed, 'error')} among them` : '';
      stack.push({ note: `${areRoots ? '' : '└─ '}… ${counted(left, 'more span')}${among}: ${commonNames(rest)}`, prefix, spans: left });
    }
    for (let at = drawn.length - 1; at >= 0; at--) {
      const last = at === drawn.length - 1 && rest.length === 0;
      const branch = areRoots ? '' : last ? '└─ ' : '├─ ';
      stack.push({ node: drawn[at]!, prefix: prefix + branch, below: areRoots ? '' : `${prefix}${last ? '   ' : '│  '}`, service });
    }
  }
}

function drawSpan({ node, prefix, below, service }: Step, drawing: Drawing): void {
  const { span } = node;
  const failed = span.status.code === 'error';
  const own = serviceName(span.resource);
  const pieces: Piece[] = [
    { text: duration(span.endNano - span.startNano).padStart(DURATION_WIDTH), style: 'plain' },
    { text: drawing.barWidth === 0 ? ' ' : ` ${bar(span, drawing)} `, style: failed ? 'red' : 'green' },
    { text: prefix, style: 'dim' },
  ];
  const mark = parentMark(node, drawing.drawn);
  if (mark !== null) pieces.push({ text: '⋯ ', style: 'yellow' });
  if (own !== service && own !== '') pieces.push({ text: `[${oneLine(own, 100)}] `, style: 'cyan' });
  pieces.push({ text: oneLine(span.name, 300) || '(no name)', style: failed ? 'red' : 'bold' });
  for (const { text, style } of describeSpan(span)) pieces.push({ text: `  ${text}`, style });
  if (mark !== null) pieces.push({ text: `  (${mark})`, style: 'yellow' });
  drawing.lines.push(paintLine(pieces, drawing));

  const error = describeError(span);
  if (error === null) return;
  const branch = node.children.length > 0 ? '│  ' : '   ';
  drawing.lines.push(
    paintLine([...gutter(drawing), { text: below + branch, style: 'dim' }, { text: error === '' ? 'error' : `error: ${error}`, style: 'red' }], drawing),
  );
}

function parentMark({ parent, span }: SpanNode, drawn: TreeOptions['drawn']): string | null {
  const id = oneLine(span.parentSpanId.slice(0, 8));
  const above = drawn?.get(span.parentSpanId);
  if (above !== undefined) return `under ${oneLine(above, 100)}`;
  if (parent === 'elsewhere') return `parent ${id} is elsewhere`;
  if (parent === 'missing') return `parent ${id} is missing`;
  return parent === 'loop' ? 'its own ancestor' : null;
}

/** Where the span lies between the start and the end of the trace. */
function bar({ startNano, endNano }: DecodedSpan, { start, span, barWidth }: Drawing): string {
  const scale = span > 0 ? barWidth / span : 0;
  const from = Math.min(barWidth - 1, Math.max(0, Math.floor(Number(startNano - start) * scale)));
  const length = Math.min(barWidth - from, Math.max(1, Math.round(Number(endNano - startNano) * scale)));
  return `${' '.repeat(from)}${'━'.repeat(length)}`.padEnd(barWidth);
}

function gutter({ barWidth }: Drawing): Piece[] {
  return [{ text: ' '.repeat(DURATION_WIDTH + (barWidth === 0 ? 1 : barWidth + 2)), style: 'plain' }];
}

function commonNames(nodes: readonly SpanNode[]): string {
  const counts = new Map<string, number>();
  for (const { span } of nodes) counts.set(span.name, (counts.get(span.name) ?? 0) + 1);
  const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 3);
  return most.map(([name, count]) => `${oneLine(name, 60)} ×${count}`).join(', ') + (counts.size > 3 ? ', …' : '');
}

function extent(roots: readonly SpanNode[]): [bigint, bigint] {
  let [start, end] = [roots[0]?.span.startNano ?? 0n, roots[0]?.span.endNano ?? 0n];
  const stack = [...roots];
  while (stack.length > 0) {
    const { span, children } = stack.pop()!;
    if (span.startNano < start) start = span.startNano;
    if (span.endNano > end) end = span.endNano;
    for (const child of children) stack.push(child);
  }
  return [start, end];
}

