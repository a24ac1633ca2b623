import { SpanStatusCode, type Attributes, type Span, type TracerProvider } from '@opentelemetry/api';
import { statementName } from './postgres-names.ts';
import { wrapTracers } from './wrap-tracers.ts';

/** What `client.query` takes besides statements: `Query`, cursors and streams, which the server's answers are handed to. */
interface Submittable {
  readonly submit: unknown;
  readonly text?: unknown;
  /** Of a stream, which has no text of its own. */
  readonly cursor?: { readonly text?: unknown };
  handleReadyForQuery?: (...args: unknown[]) => unknown;
  handleError?: (...args: unknown[]) => unknown;
}
type Query = (this: unknown, ...args: unknown[]) => unknown;
interface PgInstrumentation {
  _getClientQueryPatch?(): (original: Query) => Query;
}

let submitted: Submittable | null = null;

/** Notes what is being submitted, for `withSubmitted`: the instrumentation starts a span for it and never ends that. */
export function followSubmitted(instrumentation: object): void {
  const { _getClientQueryPatch: makePatch } = instrumentation as PgInstrumentation;
  if (makePatch === undefined) return;
  (instrumentation as PgInstrumentation)._getClientQueryPatch = function (this: object) {
    const patch = makePatch.call(this);
    return (original) => {
      const traced = patch(original);
      return function query(this: unknown, ...args) {
        if (!isSubmittable(args[0])) return traced.apply(this, args);
        submitted = args[0];
        try {
          return traced.apply(this, args);
        } finally {
          submitted = null;
        }
      };
    };
  };
}

/** The span of what is being submitted ends when the server is done with it. */
export function withSubmitted(provider: TracerProvider): TracerProvider {
  return wrapTracers(provider, (start) => {
    const span = start();
    if (submitted !== null && span.isRecording()) {
      nameStream(span, submitted);
      endWith(span, submitted);
    }
    submitted = null;
    return span;
  });
}

function nameStream(span: Span, { text, cursor }: Submittable): void {
  if (typeof text === 'string' || typeof cursor?.text !== 'string') return;
  const database = (span as Span & { readonly attributes: Attributes }).attributes['db.namespace'];
  span.updateName(statementName(cursor.text, database === undefined ? undefined : String(database)));
  span.setAttribute('db.query.text', cursor.text);
}

function endWith(span: Span, query: Submittable): void {
  const { handleError, handleReadyForQuery } = query;
  if (handleError !== undefined) {
    query.handleError = function (this: unknown, ...args) {
      fail(span, args[0]);
      return handleError.apply(this, args);
    };
  }
  if (handleReadyForQuery !== undefined) {
    query.handleReadyForQuery = function (this: unknown, ...args) {
      try {
        return handleReadyForQuery.apply(this, args);
      } finally {
        if (span.isRecording()) span.end();
      }
    };
  }
}

function fail(span: Span, error: unknown): void {
  if (!span.isRecording()) return;
  const { name, code, message } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown; readonly message?: unknown };
  // In the instrumentation's own words.
  span.recordException(`PostgreSQL error of type '${String(name ?? 'PostgreSQLError')}' occurred (code: ${String(code ?? 'UNKNOWN')})`);
  span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message: String(message) }) });
  span.end();
}

function isSubmittable(query: unknown): query is Submittable {
  return typeof query === 'object' && query !== null && typeof (query as Submittable).submit === 'function' && !Object.isFrozen(query);
}
