/** Milliseconds as the nanoseconds of OTLP. */
export function nanos(ms: number): bigint {
  return BigInt(Math.round(ms)) * 1_000_000n;
}
