/** What a drawn span needs; both the receiver's and the Collector's spans have it. */
export interface DrawnSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly resource: { readonly [key: string]: unknown };
}

const KINDS = ['', 'internal', 'server', 'client', 'producer', 'consumer'];

/**
 * One trace as lines of text, children indented below their parents in the order in which they began:
 *
 *     orders: POST /orders (server)
 *       orders: GET (client)
 *         shipping: GET /quote/:sku (server)
 */
export function drawTrace(spans: readonly DrawnSpan[], traceId: string): string {
  const trace = spans.filter((span) => span.traceId === traceId);
  const known = new Set(trace.map((span) => span.spanId));
  const below = (parent: string | null): DrawnSpan[] =>
    trace
      .filter((span) => (parent === null ? !known.has(span.parentSpanId) : span.parentSpanId === parent))
      .sort((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)));
  const draw = (span: DrawnSpan, depth: number): string[] => [
    `${'  '.repeat(depth)}${String(span.resource['service.name'])}: ${span.name} (${KINDS[span.kind]})`,
    ...below(span.spanId).flatMap((child) => draw(child, depth + 1)),
  ];
  return below(null).flatMap((root) => draw(root, 0)).join('\n');
}
