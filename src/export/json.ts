import type { SignalName } from '../plan/types.ts';
import { requestToJson } from '../view/json.ts';

/** The body of an OTLP/JSON request (http/json). @throws MalformedOtlp where `body` is no OTLP protobuf request. */
export function toJson(signal: SignalName, body: Buffer): Buffer {
  return Buffer.from(JSON.stringify(requestToJson(signal, body)));
}
