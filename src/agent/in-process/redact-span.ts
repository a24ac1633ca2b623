import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Redactor } from '../redact/redact.ts';
import { redactScope, type Scope } from '../redact/scope.ts';

/** Exporters group spans by the object. */
const scopes = new WeakMap<Scope, Scope>();

/** The span as an exporter may see it. */
export function redactSpan(span: ReadableSpan, redactor: Redactor): ReadableSpan {
  const context = span.spanContext();
  const { message } = span.status;
  return {
    name: redactor.name(String(span.name), span.attributes),
    kind: span.kind,
    spanContext: () => context,
    ...(span.parentSpanContext && { parentSpanContext: span.parentSpanContext }),
    startTime: span.startTime,
    endTime: span.endTime,
    duration: span.duration,
    ended: span.ended,
    status: message === undefined ? span.status : { ...span.status, message: redactor.text(message) },
    attributes: redactor.attributes(span.attributes),
    links: span.links.map((link) => (link.attributes === undefined ? link : { ...link, attributes: redactor.attributes(link.attributes) })),
    events: span.events.map((event) => ({ ...event, name: redactor.text(event.name), ...(event.attributes && { attributes: redactor.attributes(event.attributes) }) })),
    resource: span.resource,
    instrumentationScope: scopeOf(span.instrumentationScope, redactor),
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
  };
}

function scopeOf(scope: Scope, redactor: Redactor): Scope {
  let clean = scopes.get(scope);
  if (clean === undefined) scopes.set(scope, (clean = redactScope(scope, redactor)));
  return clean;
}
