import { SpanKind, context, trace, type Attributes, type Context, type HrTime, type Meter, type Span, type SpanOptions } from '@opentelemetry/api';
import { hrTime } from '@opentelemetry/core';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CLIENT, clientAttributes, countActive, type Active } from './active-requests.ts';
import { abortedOf, noteAborted } from './http-outcome.ts';

/** What of the instrumentation is ours to know (0.223, bundled). */
interface HttpInstrumentation {
  readonly meter: Meter;
  _incomingRequestFunction(component: string, original: Emit): Emit;
  _startHttpSpan(name: string, options: SpanOptions, at?: Context): Span;
  _closeHttpSpan(span: Span, kind: SpanKind, start: HrTime, attributes: Attributes): void;
  _traceClientRequest(request: ClientRequest, span: Span, start: HrTime, attributes: Attributes): ClientRequest;
}
type Emit = (this: unknown, event: string, ...args: unknown[]) => unknown;

/** A request that came while an earlier one of its connection was being answered. Its response has no socket, and no event, until then. */
interface Queued {
  readonly start: HrTime;
  readonly among: Map<Span, Queued>;
}

/** Counts what the instrumentation follows, and has its durations say which requests were given up. */
export function countActiveRequests(target: object): void {
  const instrumentation = target as HttpInstrumentation;
  const { _incomingRequestFunction: makeEmit, _startHttpSpan: start, _closeHttpSpan: close, _traceClientRequest: traceRequest } = instrumentation;
  const enterServer = countActive(instrumentation.meter, 'http.server.active_requests', 'Number of active HTTP server requests.');
  const enterClient = countActive(instrumentation.meter, ...CLIENT);
  const counted = new WeakMap<Span, { readonly active: Active; readonly queued: Queued | null; readonly response: ServerResponse | null }>();
  const queues = new WeakMap<Socket, Queued['among']>();
  let arriving: { readonly socket: Socket; readonly response: ServerResponse } | null = null;

  instrumentation._incomingRequestFunction = function (component, original) {
    const traced = makeEmit.call(this, component, original);
    return function (event, ...args) {
      if (event !== 'request') return traced.call(this, event, ...args);
      arriving = { socket: (args[0] as IncomingMessage).socket, response: args[1] as ServerResponse };
      try {
        return traced.call(this, event, ...args);
      } finally {
        arriving = null;
      }
    };
  };
  instrumentation._startHttpSpan = function (name, options, at) {
    const span = start.call(this, name, options, at);
    if (options.kind === SpanKind.SERVER) begin(span, options.attributes ?? {});
    else if (!counted.has(span)) counted.set(span, { active: enterClient(clientAttributes(options.attributes ?? {})), queued: null, response: null });
    return span;
  };
  instrumentation._traceClientRequest = function (request, span, began, attributes) {
    const traced = traceRequest.call(this, request, span, began, attributes);
    // Of one that `abort` breaks off in the middle of its answer the instrumentation hears nothing.
    request.once('close', () => {
      if (!counted.has(span)) return;
      noteAborted(span);
      instrumentation._closeHttpSpan(span, SpanKind.CLIENT, began, attributes);
    });
    return traced;
  };
  instrumentation._closeHttpSpan = function (span, kind, began, attributes) {
    const request = counted.get(span);
    if (request !== undefined) {
      counted.delete(span);
      request.active.count--;
      request.queued?.among.delete(span);
    }
    const aborted = abortedOf(span);
    // Of a handler that throws behind its answer the instrumentation learns the status when the duration is measured already.
    const status = request?.response?.headersSent === true ? { 'http.response.status_code': request.response.statusCode } : {};
    const measured = aborted === undefined ? { ...status, ...attributes } : { ...attributes, 'error.type': aborted };
    // A client's request ends in the context of whoever asked: an exemplar is to lead to the request itself.
    if (kind === SpanKind.CLIENT) context.with(trace.setSpan(context.active(), span), () => close.call(this, span, kind, began, measured));
    else close.call(this, span, kind, began, measured);
  };

  function begin(span: Span, all: Attributes): void {
    const active = enterServer(pick(all));
    const isQueued = arriving !== null && arriving.response.socket === null;
    counted.set(span, { active, queued: isQueued ? enqueue(span, arriving!.socket) : null, response: arriving?.response ?? null });
    arriving = null; // a request that the handler emits itself has no part in it
  }

  function enqueue(span: Span, socket: Socket): Queued {
    let among = queues.get(socket);
    if (among === undefined) {
      queues.set(socket, (among = new Map()));
      const waiting = among;
      socket.once('close', () => waiting.forEach(giveUp));
    }
    const queued: Queued = { start: hrTime(), among };
    among.set(span, queued);
    return queued;
  }

  function giveUp({ start: began }: Queued, span: Span): void {
    noteAborted(span);
    instrumentation._closeHttpSpan(span, SpanKind.SERVER, began, { ...counted.get(span)?.active.attributes });
  }
}

function pick({ 'http.request.method': method, 'url.scheme': scheme }: Attributes): Attributes {
  return { 'http.request.method': method, 'url.scheme': scheme };
}
