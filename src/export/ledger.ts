/**
 * What an exporter has settled, in a file of its spool: an exporter that is killed cannot say it any more, and whoever finds
 * the spool must neither lose nor send twice what it holds. Names destinations by their hashes; holds no credentials.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExporterPlan, SignalName } from '../plan/types.ts';
import type { SegmentOwner } from '../spool/frame.ts';
import { currentOwner } from '../spool/owner.ts';
import { labelOf, type KeepLabel } from './keep.ts';

export interface Ledger {
  readonly version: 1;
  readonly exporter: SegmentOwner;
  readonly stateDir: string | null;
  /** Positions count chunks, which this cuts. */
  readonly maxItems: number;
  readonly destinations: readonly LedgerLine[];
}

export interface LedgerLine {
  readonly signal: SignalName;
  /** Null where nothing is kept of what does not arrive. */
  readonly keep: KeepLabel | null;
  /** Chunks settled at the start of each segment. */
  readonly positions: Readonly<Record<string, number>>;
}

export interface LedgerWriter {
  note(destination: number, positions: Readonly<Record<string, number>>): void;
  close(): void;
}

const FILE = 'exporter.json';
const EVERY_MS = 100;

/** Never throws: what cannot be noted may be sent twice after a kill. */
export function openLedger(plan: ExporterPlan): LedgerWriter {
  const exporter = currentOwner(0);
  const lines = plan.destinations.map((destination, number): LedgerLine => ({
    signal: 'signal' in destination ? destination.signal : 'traces',
    keep: destination.kind === 'otlp' && destination.undelivered === 'keep' ? labelOf(destination, plan) : null,
    positions: plan.settled?.[number] ?? {},
  }));
  let timer: NodeJS.Timeout | null = null;
  let closed = false;
  write();
  return {
    note(destination, positions) {
      lines[destination] = { ...lines[destination]!, positions };
      if (!closed) timer ??= setTimeout(write, EVERY_MS).unref();
    },
    close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };

  function write(): void {
    timer = null;
    const ledger: Ledger = { version: 1, exporter, stateDir: plan.stateDir, maxItems: plan.batch.maxItems, destinations: lines };
    const file = join(plan.spool, FILE);
    try {
      writeFileSync(`${file}.new`, JSON.stringify(ledger), { mode: 0o600 });
      renameSync(`${file}.new`, file);
    } catch {
      // The spool is gone, or full.
    }
  }
}

/** Null where there is none that can be read. */
export function readLedger(spool: string): Ledger | null {
  try {
    const ledger = JSON.parse(readFileSync(join(spool, FILE), 'utf8')) as Ledger;
    return ledger.version === 1 ? ledger : null;
  } catch {
    return null;
  }
}
