/** The little that is read of a backend's answers. What is unsound says nothing: the other side's garbage is no failure of ours. */

export interface PartialSuccess {
  readonly rejected: number;
  readonly message: string;
}

const noneRejected: PartialSuccess = { rejected: 0, message: '' };

/** `partial_success = 1 { rejected = 1, error_message = 2 }` of the three Export…ServiceResponse messages. */
export function readPartialSuccess(body: Buffer): PartialSuccess {
  const partial = find(body, 1);
  if (!Buffer.isBuffer(partial)) return noneRejected;
  const rejected = find(partial, 1);
  const message = find(partial, 2);
  return { rejected: soundCount(rejected), message: Buffer.isBuffer(message) ? message.toString('utf8') : '' };
}

/** An int64 below zero comes as one of the largest numbers. */
function soundCount(value: unknown): number {
  return typeof value === 'number' && value > 0 && value < 2 ** 63 ? Math.ceil(value) : 0;
}

export function readJsonPartialSuccess(body: Buffer): PartialSuccess {
  try {
    const { partialSuccess } = JSON.parse(body.toString('utf8')) as { partialSuccess?: Record<string, unknown> };
    if (partialSuccess === undefined || partialSuccess === null) return noneRejected;
    const rejected = Number(partialSuccess.rejectedSpans ?? partialSuccess.rejectedDataPoints ?? partialSuccess.rejectedLogRecords ?? 0);
    return { rejected: soundCount(rejected), message: typeof partialSuccess.errorMessage === 'string' ? partialSuccess.errorMessage : '' };
  } catch {
    return noneRejected;
  }
}

/** `message = 2` of google.rpc.Status, as OTLP/HTTP answers failures; '' where there is none. */
export function readStatusMessage(body: Buffer): string {
  const message = find(body, 2);
  return Buffer.isBuffer(message) ? message.toString('utf8') : '';
}

/** Milliseconds of google.rpc.RetryInfo among the details of a google.rpc.Status, or null. */
export function readRetryDelay(status: Buffer): number | null {
  for (const detail of fieldsOf(status)) {
    if (detail.number !== 3 || !Buffer.isBuffer(detail.value)) continue;
    const type = find(detail.value, 1);
    const value = find(detail.value, 2);
    if (!Buffer.isBuffer(type) || !type.toString('latin1').endsWith('/google.rpc.RetryInfo') || !Buffer.isBuffer(value)) continue;
    const delay = find(value, 1);
    if (!Buffer.isBuffer(delay)) return 0;
    const [seconds, nanos] = [find(delay, 1), find(delay, 2)];
    return (typeof seconds === 'number' ? seconds * 1000 : 0) + (typeof nanos === 'number' ? nanos / 1e6 : 0);
  }
  return null;
}

function find(message: Buffer, number: number): number | Buffer | null {
  for (const field of fieldsOf(message)) if (field.number === number) return field.value;
  return null;
}

/** Varint and length-delimited fields until the first byte that makes no sense. */
function* fieldsOf(message: Buffer): Generator<{ number: number; value: number | Buffer }> {
  let at = 0;
  const varint = (): number | null => {
    let value = 0;
    for (let shift = 0; shift < 64; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) return null;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return null;
  };
  while (at < message.length) {
    const tag = varint();
    if (tag === null) return;
    const value = varint();
    if (value === null) return;
    const number = Math.floor(tag / 8);
    if (tag % 8 === 0) yield { number, value };
    else if (tag % 8 === 2 && at + value <= message.length) {
      yield { number, value: message.subarray(at, at + value) };
      at += value;
    } else return;
  }
}
