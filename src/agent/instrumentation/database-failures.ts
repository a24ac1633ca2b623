import type { Attributes, Exception, Span, SpanStatus, TracerProvider } from '@opentelemetry/api';
import { UNSAID, noteUnsaid } from '../redact/unsaid.ts';
import { wrapTracers } from './wrap-tracers.ts';

/**
 * Spans of a database's instrumentation say by which code a call failed, as the semantic conventions ask
 * (`error.type`, `db.response.status_code`), and nothing of what the application's own code in the database said.
 */
export function withFailureCodes(provider: TracerProvider): TracerProvider {
  return wrapTracers(provider, (start) => {
    const span = start();
    if (span.isRecording()) span.recordException = recordWithCode;
    return span;
  });
}

type OwnSpan = Span & { readonly attributes: Attributes };

function recordWithCode(this: Span, exception: Exception, time?: Parameters<Span['recordException']>[1]): void {
  const { statusCode, type } = describeFailure(exception);
  this.setAttribute('error.type', type);
  if (statusCode !== undefined) this.setAttribute('db.response.status_code', statusCode);
  const isOwnWords = statusCode !== undefined && isRaisedByOwnCode(statusCode, (this as OwnSpan).attributes);
  if (isOwnWords) this.setStatus = setStatusWithoutWords;
  const { recordException } = Object.getPrototypeOf(this) as Span;
  recordException.call(this, isOwnWords && typeof exception === 'object' ? { name: exception.name, message: `${statusCode} ${UNSAID}` } : exception, time);
}

/** The application may record the same error on a span of its own. */
function setStatusWithoutWords(this: Span, { code, message }: SpanStatus): Span {
  noteUnsaid(message);
  const { setStatus } = Object.getPrototypeOf(this) as Span;
  return setStatus.call(this, { code, message: UNSAID });
}

/** By `RAISE` in PostgreSQL; by a script or function in Redis, where all but NOSCRIPT may be its own words. */
function isRaisedByOwnCode(statusCode: string, attributes: Attributes): boolean {
  if (statusCode === 'P0001') return true;
  return statusCode !== 'NOSCRIPT' && attributes['db.system.name'] === 'redis' && /^(?:EVAL|FCALL)/.test(String(attributes['db.query.text']));
}

export interface Failure {
  /** What the server answered with: SQLSTATE, or the word before a Redis error. */
  readonly statusCode?: string;
  readonly type: string;
}

export function describeFailure(exception: Exception): Failure {
  if (typeof exception === 'string') return describePostgres(exception);
  const { code, name, message = '' } = exception;
  const statusCode = isReply(exception) ? /^[A-Z][A-Z0-9_]*(?= |$)/.exec(message)?.[0] : undefined;
  return statusCode === undefined ? { type: String(code ?? name ?? '_OTHER') } : { statusCode, type: statusCode };
}

/** The instrumentation makes one sentence of an error. No SQLSTATE begins with the E of ECONNREFUSED. */
function describePostgres(sentence: string): Failure {
  const [, name = '_OTHER', code = 'UNKNOWN'] = /type '([^']*)' occurred \(code: (\w+)\)$/.exec(sentence) ?? [];
  if (/^[0-9FHPX][0-9A-Z]{4}$/.test(code)) return { statusCode: code, type: code };
  return { type: code === 'UNKNOWN' ? name : code };
}

/** Classes of node-redis (`ErrorReply` and below) and ioredis (`ReplyError`). */
function isReply(exception: object): boolean {
  return /Reply|SimpleError|BlobError/.test(`${(exception as Error).name} ${exception.constructor?.name}`);
}
