import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Redactor } from '../redact/redact.ts';

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
    instrumentationScope: span.instrumentationScope,
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
  };
}
