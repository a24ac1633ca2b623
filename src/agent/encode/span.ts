/**
 * OTLP protobuf of finished spans, of their resource and of their scopes, as frames of a segment hold them.
 * Field numbers: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
 */
import { SpanStatusCode, type Attributes, type HrTime, type SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Redactor } from '../redact/redact.ts';
import { writeAttributes } from '../../spool/attributes.ts';
import { isLink, isTime, speak } from './sound.ts';
import { createWire, type Wire } from '../../spool/wire.ts';

/** Encodes a span, finished or not, as field 2 of ScopeSpans. The bytes are valid until the next call. Throws what a hostile span throws. */
export type SpanEncoder = (span: ReadableSpan) => Buffer;

export function createSpanEncoder(redactor: Redactor): SpanEncoder {
  const wire = createWire();
  return (span) => {
    wire.reset();
    const start = wire.open(0x12);
    writeSpan(wire, span, redactor);
    wire.close(start);
    return wire.bytes();
  };
}

/** `resource = 1` of ResourceSpans, the same for every signal. */
export function encodeResource(attributes: Attributes): Buffer {
  const wire = createWire();
  const start = wire.open(0x0a);
  writeAttributes(wire, 0x0a, attributes);
  wire.close(start);
  return Buffer.from(wire.bytes());
}

/** `scope = 1` and `schema_url = 3` of ScopeSpans, the same for every signal. */
export function encodeScope(scope: { readonly name: string; readonly version?: string; readonly schemaUrl?: string }): Buffer {
  const wire = createWire();
  const start = wire.open(0x0a);
  wire.stringField(0x0a, String(scope.name));
  if (scope.version) wire.stringField(0x12, String(scope.version));
  wire.close(start);
  if (scope.schemaUrl) wire.stringField(0x1a, String(scope.schemaUrl));
  return Buffer.from(wire.bytes());
}

function writeSpan(wire: Wire, span: ReadableSpan, redactor: Redactor): void {
  const context = span.spanContext();
  wire.hexField(0x0a, context.traceId);
  wire.hexField(0x12, context.spanId);
  writeTraceState(wire, 0x1a, context);
  const parent = span.parentSpanContext;
  if (parent !== undefined) wire.hexField(0x22, parent.spanId);
  wire.stringField(0x2a, redactor.name(speak(span.name), span.attributes));
  wire.varintField(0x30, typeof span.kind === 'number' ? span.kind + 1 : 0);
  const start = isTime(span.startTime) ? span.startTime : isTime(span.endTime) ? span.endTime : EPOCH;
  wire.timeField(0x39, start);
  if (span.ended) wire.timeField(0x41, isTime(span.endTime) ? span.endTime : start);
  writeAttributes(wire, 0x4a, redactor.attributes(span.attributes));
  if (span.droppedAttributesCount > 0) wire.varintField(0x50, span.droppedAttributesCount);
  for (const event of span.events) {
    const start = wire.open(0x5a);
    wire.timeField(0x09, isTime(event.time) ? event.time : span.startTime);
    wire.stringField(0x12, redactor.text(speak(event.name)));
    if (event.attributes) writeAttributes(wire, 0x1a, redactor.attributes(event.attributes));
    if (event.droppedAttributesCount) wire.varintField(0x20, event.droppedAttributesCount);
    wire.close(start);
  }
  if (span.droppedEventsCount > 0) wire.varintField(0x60, span.droppedEventsCount);
  for (const link of span.links) {
    if (!isLink(link)) continue;
    const start = wire.open(0x6a);
    wire.hexField(0x0a, link.context.traceId);
    wire.hexField(0x12, link.context.spanId);
    writeTraceState(wire, 0x1a, link.context);
    if (link.attributes) writeAttributes(wire, 0x22, redactor.attributes(link.attributes));
    if (link.droppedAttributesCount) wire.varintField(0x28, link.droppedAttributesCount);
    wire.fixed32Field(0x35, flags(link.context.traceFlags, link.context.isRemote));
    wire.close(start);
  }
  if (span.droppedLinksCount > 0) wire.varintField(0x70, span.droppedLinksCount);
  if (span.status.code === SpanStatusCode.OK || span.status.code === SpanStatusCode.ERROR) {
    const start = wire.open(0x7a);
    if (span.status.message) wire.stringField(0x12, redactor.text(speak(span.status.message)));
    wire.varintField(0x18, span.status.code);
    wire.close(start);
  }
  wire.fixed32Field(0x85, flags(context.traceFlags, parent?.isRemote));
}

const EPOCH: HrTime = [0, 0];

function writeTraceState(wire: Wire, tag: number, context: SpanContext): void {
  const state = context.traceState?.serialize?.();
  if (state) wire.stringField(tag, state);
}

/** Trace flags, and whether the parent (of a span) or the target (of a link) is in another process. */
function flags(traceFlags: number, isRemote: boolean | undefined): number {
  return (traceFlags & 0xff) | 0x100 | (isRemote === true ? 0x200 : 0);
}
