/**
 * OTLP protobuf of log records.
 * Field numbers: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/logs/v1/logs.proto
 */
import type { Attributes, HrTime, SpanContext } from '@opentelemetry/api';
import { createWire } from '../../spool/wire.ts';
import type { Redactor } from '../redact/redact.ts';
import { writeAttributes, writeValue } from '../../spool/attributes.ts';

export interface SoundRecord {
  readonly time: HrTime;
  readonly observedTime: HrTime;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body: unknown;
  readonly attributes: Attributes;
  readonly droppedAttributes: number;
  readonly eventName: string;
  /** Of the span that it was made in. */
  readonly span: SpanContext | undefined;
}

/** Field 2 of ScopeLogs. The bytes are valid until the next call. */
export type LogRecordEncoder = (record: SoundRecord) => Buffer;

export function createLogRecordEncoder(redactor: Redactor): LogRecordEncoder {
  const wire = createWire();
  return ({ time, observedTime, severityNumber, severityText, body, attributes, droppedAttributes, eventName, span }) => {
    wire.reset();
    const item = wire.open(0x12);
    wire.timeField(0x09, time);
    if (severityNumber > 0) wire.varintField(0x10, severityNumber);
    if (severityText !== '') wire.stringField(0x1a, severityText);
    if (body !== undefined && body !== null) {
      const start = wire.open(0x2a);
      writeValue(wire, redactBody(body, redactor), 0);
      wire.close(start);
    }
    writeAttributes(wire, 0x32, redactor.attributes(attributes));
    if (droppedAttributes > 0) wire.varintField(0x38, droppedAttributes);
    if (span !== undefined) {
      wire.fixed32Field(0x45, span.traceFlags & 0xff);
      wire.hexField(0x4a, span.traceId);
      wire.hexField(0x52, span.spanId);
    }
    wire.timeField(0x59, observedTime);
    if (eventName !== '') wire.stringField(0x62, redactor.text(eventName));
    wire.close(item);
    return wire.bytes();
  };
}

function redactBody(body: unknown, redactor: Redactor): unknown {
  // Numbers that are too large for OTLP, symbols and functions, as text.
  if (typeof body === 'string' || typeof body === 'bigint' || typeof body === 'symbol' || typeof body === 'function') return redactor.text(String(body));
  if (typeof body !== 'object' || body === null || body instanceof Uint8Array) return body;
  return Array.isArray(body) ? redactor.attributes({ body })['body'] : redactor.attributes(body as Attributes);
}
