import { SpanKind, SpanStatusCode, type Attributes, type HrTime, type Span } from '@opentelemetry/api';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';

const ABORTED = 'aborted';
const aborted = new WeakSet<Span>();

/**
 * What the semantic conventions ask for and the instrumentation leaves out: `error.type` where the status code
 * says that a request failed, and the mark of a request that its client gave up before the answer was complete.
 */
export function noteHttpOutcome(span: Span, request: ClientRequest | IncomingMessage, response: IncomingMessage | ServerResponse): void {
  const isServer = isServerResponse(response);
  const { statusCode = 0 } = response;
  if (isServer && !response.writableFinished && request.destroyed) noteAborted(span);
  else if (statusCode >= (isServer ? 500 : 400)) span.setAttribute('error.type', String(statusCode));
}

/** The instrumentation ends a client's span as a success when the connection breaks in the middle of the answer. */
export function noteBrokenResponse(span: Span, response: IncomingMessage | ServerResponse): void {
  if (isServerResponse(response)) return;
  response.once('aborted', () => {
    noteAborted(span);
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'the connection closed before the response was complete' });
  });
}

interface HttpInstrumentation {
  _onOutgoingRequestError(span: Span, attributes: Attributes, start: HrTime, error: NodeJS.ErrnoException): void;
  _closeHttpSpan(span: Span, kind: SpanKind, start: HrTime, attributes: Attributes): void;
}

/** A request that failed says by which code (`ECONNREFUSED`), as one by fetch does: to the instrumentation (0.223) all are an `Error`. */
export function nameRequestErrors(target: object): void {
  const instrumentation = target as HttpInstrumentation;
  instrumentation._onOutgoingRequestError = (span, attributes, start, error) => {
    const type = abortedOf(span) ?? error.code ?? error.name;
    span.setAttribute('error.type', type);
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
    span.recordException(error);
    instrumentation._closeHttpSpan(span, SpanKind.CLIENT, start, { ...attributes, 'error.type': type });
  };
}

export function noteAborted(span: Span): void {
  aborted.add(span);
  span.setAttribute('error.type', ABORTED);
}

/** What the duration's `error.type` is, where the request was given up. */
export function abortedOf(span: Span): string | undefined {
  return aborted.has(span) ? ABORTED : undefined;
}

function isServerResponse(response: IncomingMessage | ServerResponse): response is ServerResponse {
  return 'writableFinished' in response;
}
