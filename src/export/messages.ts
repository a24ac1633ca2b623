import type { ExporterPlan } from '../plan/types.ts';
import type { SegmentOwner } from '../spool/frame.ts';
import type { WaitedFor } from './endings.ts';
import type { DestinationSummary, Tally } from './summary.ts';

/** What one destination has settled: kept by the supervisor, so that the next worker goes on where the last one failed. */
export interface Settled {
  /** Chunks settled at the start of each segment, by the segment's name. */
  readonly positions: Readonly<Record<string, number>>;
  readonly tally: Tally;
}

export interface WorkerInput {
  readonly plan: ExporterPlan;
  /** By number of the destination in the plan. */
  readonly settled: readonly Settled[];
  /** Of the whole exporter, whichever worker is at it. */
  readonly exporter: { /** `service.instance.id` of its own metrics. */ readonly instance: string; /** Milliseconds since 1970. */ readonly startedAt: number; readonly restarts: number };
  /** One number that grows as long as the worker is alive, for the supervisor to see without asking. */
  readonly pulse: Int32Array;
}

export interface DrainLimits {
  /** When the application ended (a time of day): deadlines count from there. */
  readonly endedAt: number;
  /** A further bound. */
  readonly deadlineMs: number | null;
  /** How the application's first process has ended, where somebody has waited for it. */
  readonly ending: WaitedFor | null;
}

export type ToWorker = { readonly kind: 'flush'; /** The application was told to end. */ readonly isTold: boolean } | ({ readonly kind: 'drain' } & DrainLimits) | { readonly kind: 'cut-short' };

export type FromWorker =
  | { readonly kind: 'notice'; /** Null: to be said in any case. */ readonly cause: string | null; readonly line: string }
  | { readonly kind: 'writer'; readonly owner: SegmentOwner }
  | { readonly kind: 'settled'; readonly destination: number; readonly settled: Settled }
  | { readonly kind: 'drained'; readonly destinations: readonly DestinationSummary[]; readonly resent: number; readonly tornBytes: number };
