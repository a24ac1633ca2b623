/** What an exporter knows of itself and of its destinations at a moment: what its own metrics and `otel-run status` say. */
import type { Destination, SignalName } from '../../plan/types.ts';
import type { Exporter, ExportOutcome } from '../types.ts';
import { droppedCount, type Tally } from '../summary.ts';

export interface ExporterStatus {
  readonly version: 1;
  /** Id of the run. */
  readonly run: string;
  readonly service: string | null;
  /** The process that the exporter is, or is a thread of. */
  readonly pid: number;
  readonly topology: 'replace' | 'parent';
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** How often it has failed and was started again. */
  readonly restarts: number;
  /** Processes of the application that have handed something over. */
  readonly writers: readonly number[];
  readonly spool: { readonly bytes: number; readonly capBytes: number };
  /** Of that process, user and system. */
  readonly cpuSeconds: number;
  /** Resident memory of that process. */
  readonly memoryBytes: number;
  readonly destinations: readonly DestinationStatus[];
}

export interface DestinationStatus extends Tally {
  readonly kind: Destination['kind'];
  readonly name: string;
  readonly signal: SignalName;
  /** Read and not settled yet. */
  readonly waiting: number;
  /** Why the last attempt failed, or null where it did not. */
  readonly failure: string | null;
  /** When a batch was last taken (milliseconds since 1970), or null. */
  readonly deliveredAt: number | null;
  /** Requests by what became of them. */
  readonly exports: Readonly<Partial<Record<ExportOutcome['kind'], ExportTimes>>>;
}

export interface ExportTimes {
  readonly count: number;
  readonly seconds: number;
  readonly fastest: number;
  readonly slowest: number;
  /** By {@link EXPORT_SECONDS}, with one more for what took longer. */
  readonly counts: readonly number[];
}

/** Bounds as the semantic conventions advise for durations in seconds. */
export const EXPORT_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

export interface TimedExporter extends Exporter {
  readonly deliveredAt: number | null;
  readonly times: DestinationStatus['exports'];
}

/** The same exporter, with a look at the clock before and behind each request. */
export function timeExports(exporter: Exporter): TimedExporter {
  const times: Partial<Record<ExportOutcome['kind'], { count: number; seconds: number; fastest: number; slowest: number; counts: number[] }>> = {};
  let deliveredAt: number | null = null;
  return {
    name: exporter.name,
    times,
    get deliveredAt() {
      return deliveredAt;
    },
    async export(batch, signal) {
      const before = performance.now();
      const outcome = await exporter.export(batch, signal);
      const seconds = (performance.now() - before) / 1000;
      const of = (times[outcome.kind] ??= { count: 0, seconds: 0, fastest: Infinity, slowest: 0, counts: new Array<number>(EXPORT_SECONDS.length + 1).fill(0) });
      of.count++;
      of.seconds += seconds;
      of.fastest = Math.min(of.fastest, seconds);
      of.slowest = Math.max(of.slowest, seconds);
      const bucket = EXPORT_SECONDS.findIndex((bound) => seconds <= bound);
      of.counts[bucket === -1 ? EXPORT_SECONDS.length : bucket]!++;
      if (outcome.kind === 'delivered') deliveredAt = Date.now();
      return outcome;
    },
    close: () => exporter.close(),
  };
}

export function waitingOf(tally: Tally): number {
  return Math.max(0, tally.produced - tally.delivered - tally.kept - droppedCount(tally));
}
