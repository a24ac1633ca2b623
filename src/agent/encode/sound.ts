/** What an application may give for a part of a span, and OTLP has no word for. */
import type { HrTime, Link } from '@opentelemetry/api';

const MAX_SECONDS = 18_446_744_073;

/** From 1970 on, for as long as nanoseconds fit into 64 bits. */
export function isTime([seconds, nanoseconds]: HrTime): boolean {
  return seconds >= 0 && seconds <= MAX_SECONDS && nanoseconds >= 0 && nanoseconds < 1e9;
}

export function speak(value: unknown): string {
  try {
    return String(value);
  } catch {
    return '';
  }
}

export function isLink(link: Link): boolean {
  try {
    return typeof link.context.traceId === 'string' && typeof link.context.spanId === 'string';
  } catch {
    return false;
  }
}
