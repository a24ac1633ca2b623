import type { SignalName } from '../plan/types.ts';
import { requests } from './otlp-schema.ts';
import { readMessage, type Forms, type Message } from './protobuf.ts';

/**
 * An OTLP protobuf request as OTLP/JSON has it: ids in hex, other bytes in base64, 64-bit integers as decimal strings, enums as
 * integers, non-finite numbers by name (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
 * @throws MalformedOtlp
 */
export function requestToJson(signal: SignalName, body: Uint8Array): Message {
  return readMessage(requests[signal], body, jsonForms);
}

const jsonForms: Forms = {
  int64: String,
  bytes: (value) => Buffer.from(value).toString('base64'),
  double: (value) => (Number.isFinite(value) ? value : String(value)),
};
