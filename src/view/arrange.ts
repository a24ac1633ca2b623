import type { DecodedSpan } from './decode.ts';

export interface SpanNode {
  readonly span: DecodedSpan;
  /** In the order of their starts. */
  readonly children: SpanNode[];
  /** Where the parent is, seen from the spans at hand. `loop`: the span is its own ancestor. */
  parent: 'here' | 'none' | 'elsewhere' | 'missing' | 'loop';
  /** Spans of the subtree with this one, and how many of them failed. */
  size: number;
  errors: number;
}

/** Puts the spans of one trace under their parents. Answers the roots: spans without a parent, or whose parent is not at hand. */
export function arrangeSpans(spans: readonly DecodedSpan[]): SpanNode[] {
  const nodes = dedupe(spans).map(
    (span): SpanNode => ({ span, children: [], parent: 'none', size: 1, errors: span.status.code === 'error' ? 1 : 0 }),
  );
  nodes.sort((a, b) => compare(a.span.startNano, b.span.startNano) || compare(b.span.endNano, a.span.endNano));
  const byId = new Map<string, SpanNode>();
  for (const node of nodes) if (!byId.has(node.span.spanId)) byId.set(node.span.spanId, node);
  const roots: SpanNode[] = [];
  for (const node of nodes) {
    const { parentSpanId, parentIsRemote } = node.span;
    const parent = parentSpanId === '' ? undefined : byId.get(parentSpanId);
    if (parent !== undefined) {
      node.parent = 'here';
      parent.children.push(node);
    } else {
      if (parentSpanId !== '') node.parent = parentIsRemote === true ? 'elsewhere' : 'missing';
      roots.push(node);
    }
  }
  const reached = inDepthOrder(roots);
  if (reached.length < nodes.length) breakLoops(nodes, reached, roots);
  for (const node of reached.reverse()) {
    for (const child of node.children) {
      node.size += child.size;
      node.errors += child.errors;
    }
  }
  return roots;
}

/** A request that was sent twice brings its spans twice. */
function dedupe(spans: readonly DecodedSpan[]): DecodedSpan[] {
  const seen = new Set<string>();
  return spans.filter(({ spanId, startNano, endNano, name }) => {
    const key = `${spanId} ${startNano} ${endNano} ${name}`;
    return seen.has(key) ? false : seen.add(key);
  });
}

/** Parents before their children; without recursion, for a chain may be a million spans long. */
function inDepthOrder(roots: readonly SpanNode[]): SpanNode[] {
  const order = [...roots];
  for (let at = 0; at < order.length; at++) for (const child of order[at]!.children) order.push(child);
  return order;
}

/** Spans that no root leads to are ancestors of themselves: the earliest of each ring becomes a root. */
function breakLoops(nodes: readonly SpanNode[], reached: SpanNode[], roots: SpanNode[]): void {
  const known = new Set(reached);
  const parents = new Map<SpanNode, SpanNode>();
  for (const node of nodes) for (const child of node.children) parents.set(child, node);
  for (const node of nodes) {
    if (known.has(node)) continue;
    const parent = parents.get(node)!;
    parent.children.splice(parent.children.indexOf(node), 1);
    node.parent = 'loop';
    roots.push(node);
    for (const found of inDepthOrder([node])) {
      known.add(found);
      reached.push(found);
    }
  }
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
