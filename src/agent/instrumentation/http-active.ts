/** `http.server.active_requests`: https://opentelemetry.io/docs/specs/semconv/http/http-metrics/#metric-httpserveractive_requests */
import { SpanKind, ValueType, context, trace, type Attributes, type Context, type HrTime, type Meter, type Span, type SpanOptions } from '@opentelemetry/api';
import { hrTime } from '@opentelemetry/core';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { abortedOf, noteAborted } from './http-outcome.ts';

/** What of the instrumentation is ours to know (0.223, bundled). */
interface HttpInstrumentation {
  readonly meter: Meter;
  _incomingRequestFunction(component: string, original: Emit): Emit;
  _startHttpSpan(name: string, options: SpanOptions, at?: Context): Span;
  _closeHttpSpan(span: Span, kind: SpanKind, start: HrTime, attributes: Attributes): void;
}
type Emit = (this: unknown, event: string, ...args: unknown[]) => unknown;

/** Requests of one method and scheme that are being answered: counted in a number, which costs nothing beside an instrument. */
interface Active {
  readonly attributes: Attributes;
  count: number;
}

/** A request that came while an earlier one of its connection was being answered. Its response has no socket, and no event, until then. */
interface Queued {
  readonly start: HrTime;
  readonly among: Map<Span, Queued>;
}

/** Counts what the instrumentation follows, and has its durations say which requests were given up. */
export function countActiveRequests(target: object): void {
  const instrumentation = target as HttpInstrumentation;
  const { _incomingRequestFunction: makeEmit, _startHttpSpan: start, _closeHttpSpan: close } = instrumentation;
  const actives = new Map<string, Active>();
  const counted = new WeakMap<Span, { readonly active: Active; readonly queued: Queued | null }>();
  const queues = new WeakMap<Socket, Queued['among']>();
  let arriving: { readonly socket: Socket; readonly response: ServerResponse } | null = null;

  instrumentation.meter
    .createObservableUpDownCounter('http.server.active_requests', { unit: '{request}', description: 'Number of active HTTP server requests.', valueType: ValueType.INT })
    .addCallback((result) => {
      for (const { attributes, count } of actives.values()) result.observe(count, attributes);
    });

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
    return span;
  };
  instrumentation._closeHttpSpan = function (span, kind, began, attributes) {
    const request = counted.get(span);
    if (request !== undefined) {
      counted.delete(span);
      request.active.count--;
      request.queued?.among.delete(span);
    }
    const aborted = abortedOf(span);
    const measured = aborted === undefined ? attributes : { ...attributes, 'error.type': aborted };
    // A client's request ends in the context of whoever asked: an exemplar is to lead to the request itself.
    if (kind === SpanKind.CLIENT) context.with(trace.setSpan(context.active(), span), () => close.call(this, span, kind, began, measured));
    else close.call(this, span, kind, began, measured);
  };

  function begin(span: Span, all: Attributes): void {
    const attributes = pick(all);
    const key = `${String(attributes['url.scheme'])} ${String(attributes['http.request.method'])}`;
    let active = actives.get(key);
    if (active === undefined) actives.set(key, (active = { attributes, count: 0 }));
    active.count++;
    const isQueued = arriving !== null && arriving.response.socket === null;
    counted.set(span, { active, queued: isQueued ? enqueue(span, arriving!.socket) : null });
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
