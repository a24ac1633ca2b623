import { SpanStatusCode, type Span } from '@opentelemetry/api';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';

/**
 * What the semantic conventions ask for and the instrumentation leaves out: `error.type` where the status code
 * says that a request failed, and the mark of a request that its client gave up before the answer was complete.
 */
export function noteHttpOutcome(span: Span, request: ClientRequest | IncomingMessage, response: IncomingMessage | ServerResponse): void {
  const isServer = isServerResponse(response);
  const { statusCode = 0 } = response;
  if (isServer && !response.writableFinished && request.destroyed) span.setAttribute('error.type', 'aborted');
  else if (statusCode >= (isServer ? 500 : 400)) span.setAttribute('error.type', String(statusCode));
}

/** The instrumentation ends a client's span as a success when the connection breaks in the middle of the answer. */
export function noteBrokenResponse(span: Span, response: IncomingMessage | ServerResponse): void {
  if (isServerResponse(response)) return;
  response.once('aborted', () => {
    span.setAttribute('error.type', 'aborted');
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'the connection closed before the response was complete' });
  });
}

function isServerResponse(response: IncomingMessage | ServerResponse): response is ServerResponse {
  return 'writableFinished' in response;
}
