import type { SignalName } from '../plan/types.ts';

/** One export request's worth of items, ready to send. */
export interface Batch {
  readonly signal: SignalName;
  /** Spans, log records or metrics in `body`. */
  readonly count: number;
  /** OTLP protobuf ExportTraceServiceRequest / ExportMetricsServiceRequest / ExportLogsServiceRequest. */
  readonly body: Buffer;
}

export type ExportOutcome =
  /** Accepted; `rejected` of the items were refused by partial success, with the backend's words. */
  | { readonly kind: 'delivered'; readonly rejected: number; readonly message?: string }
  /** Worth another try (OTLP specification: retryable codes, connection failures, time-outs). */
  | { readonly kind: 'retry'; readonly reason: string; readonly afterMs?: number }
  /** Trying again cannot help; `reason` names what to do where it is known. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Too large for the backend (413, RESOURCE_EXHAUSTED without RetryInfo): send it in two halves. */
  | { readonly kind: 'too-large'; readonly reason: string };

/** One destination. Never throws, never writes to stdout. */
export interface Exporter {
  /** For messages: `http://collector:4318/v1/traces`, `local store`… Holds no credentials. */
  readonly name: string;
  export(batch: Batch, signal: AbortSignal): Promise<ExportOutcome>;
  close(): Promise<void>;
}
