import type { Exception, Span, SpanStatus, Tracer, TracerProvider } from '@opentelemetry/api';

/** Instrumentations that leave out `error.type` and `db.response.status_code`. */
const DATABASES = new Set(['pg', 'redis', 'ioredis']);

/** Spans of a database's instrumentation say by which code a call failed, as the semantic conventions ask. */
export function withFailureCodes(instrumentation: string, provider: TracerProvider): TracerProvider {
  if (!DATABASES.has(instrumentation)) return provider;
  return { getTracer: (...scope) => noteCodes(provider.getTracer(...scope)) };
}

function noteCodes(tracer: Tracer): Tracer {
  return {
    startSpan(...args) {
      const span = tracer.startSpan(...args);
      if (span.isRecording()) span.recordException = recordWithCode;
      return span;
    },
    startActiveSpan: tracer.startActiveSpan.bind(tracer) as Tracer['startActiveSpan'],
  };
}

/** What a PostgreSQL function raises by itself. */
const RAISED = 'P0001';

function recordWithCode(this: Span, exception: Exception, time?: Parameters<Span['recordException']>[1]): void {
  const { statusCode, type } = describeFailure(exception);
  if (type !== undefined) this.setAttribute('error.type', type);
  if (statusCode !== undefined) this.setAttribute('db.response.status_code', statusCode);
  // Its words are the application's, with values in them that no rule can tell.
  if (statusCode === RAISED) this.setStatus = setStatusWithoutWords;
  const { recordException } = Object.getPrototypeOf(this) as Span;
  recordException.call(this, exception, time);
}

function setStatusWithoutWords(this: Span, { code }: SpanStatus): Span {
  const { setStatus } = Object.getPrototypeOf(this) as Span;
  return setStatus.call(this, { code, message: 'raised by a function of the database' });
}

interface Failure {
  /** What the server answered with: SQLSTATE, or the word before a Redis error. */
  readonly statusCode?: string;
  readonly type?: string;
}

function describeFailure(exception: Exception): Failure {
  if (typeof exception === 'string') return describePostgres(exception);
  const { code, name, message = '' } = exception;
  const statusCode = isReply(exception) ? /^[A-Z][A-Z0-9_]*(?= |$)/.exec(message)?.[0] : undefined;
  return { ...(statusCode !== undefined && { statusCode }), type: statusCode ?? String(code ?? name ?? '_OTHER') };
}

/** The instrumentation of PostgreSQL makes one sentence of an error. SQLSTATE has no class that begins with the E of ECONNREFUSED. */
function describePostgres(sentence: string): Failure {
  const [, name = '_OTHER', code = 'UNKNOWN'] = /type '([^']*)' occurred \(code: (\w+)\)$/.exec(sentence) ?? [];
  if (/^[0-9FHPX][0-9A-Z]{4}$/.test(code)) return { statusCode: code, type: code };
  return { type: code === 'UNKNOWN' ? name : code };
}

/** Classes of node-redis (`ErrorReply` and below) and ioredis (`ReplyError`). */
function isReply(exception: object): boolean {
  return /Reply|SimpleError|BlobError/.test(`${(exception as Error).name} ${exception.constructor?.name}`);
}
