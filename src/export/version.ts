declare const OTEL_RUN_VERSION: string | undefined;

/** Of otel-run; `0` where it was not built. */
export function version(): string {
  return typeof OTEL_RUN_VERSION === 'string' ? OTEL_RUN_VERSION : '0';
}
