import type { SignalName } from '../plan/types.ts';

/** What became of the items of one signal: `produced = delivered + kept + all of dropped`, once everything is settled. */
export interface Tally {
  readonly produced: number;
  readonly delivered: number;
  /** Written to the state directory, for a later run with the same destination. */
  readonly kept: number;
  /** By reason, in words for people. */
  readonly dropped: Readonly<Record<string, number>>;
}

export interface DestinationSummary extends Tally {
  /** `http://collector:4318/v1/traces`, `local store`… Holds no credentials. */
  readonly name: string;
  readonly signal: SignalName;
  /** Nobody configured this backend: its losses are counted and not said. */
  readonly silent: boolean;
  /** What of its losses has been told while the run lasted, by reason. */
  readonly told: Readonly<Record<string, number>>;
  /** The words of the last failure that held until the end, or null. */
  readonly failure: string | null;
}

export interface Summary {
  /**
   * Per signal, as its main destination saw it: the first OTLP destination of the signal, else the first one.
   * Holds only signals that have a destination.
   */
  readonly signals: Readonly<Partial<Record<SignalName, DestinationSummary>>>;
  readonly destinations: readonly DestinationSummary[];
  /** Items that earlier runs had kept and this run has delivered. */
  readonly resent: number;
  /** Bytes of the spool that belong to no whole frame: the torn end of a writer that was killed while writing. */
  readonly tornBytes: number;
}

export interface MutableTally {
  produced: number;
  delivered: number;
  kept: number;
  dropped: Record<string, number>;
}

export function emptyTally(): MutableTally {
  return { produced: 0, delivered: 0, kept: 0, dropped: {} };
}

export function addTally(sum: MutableTally, more: Tally): void {
  sum.produced += more.produced;
  sum.delivered += more.delivered;
  sum.kept += more.kept;
  for (const [reason, count] of Object.entries(more.dropped)) sum.dropped[reason] = (sum.dropped[reason] ?? 0) + count;
}

export function droppedCount(tally: Tally): number {
  return Object.values(tally.dropped).reduce((sum, count) => sum + count, 0);
}

export function summarize(destinations: readonly DestinationSummary[], resent: number, tornBytes: number): Summary {
  const signals: Partial<Record<SignalName, DestinationSummary>> = {};
  const byWeight = [...destinations].sort((a, b) => Number(isBackend(b)) - Number(isBackend(a)));
  for (const destination of byWeight) signals[destination.signal] ??= destination;
  return { signals, destinations, resent, tornBytes };
}

function isBackend(destination: DestinationSummary): boolean {
  return destination.name.includes('://');
}
