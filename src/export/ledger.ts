/**
 * What an exporter has settled, in a file of its spool: an exporter that is killed cannot say it any more, and whoever finds
 * the spool must neither lose nor send twice what it holds. Names destinations by their hashes; holds no credentials.
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { ExporterPlan, SignalName } from '../plan/types.ts';
import type { SegmentOwner } from '../spool/frame.ts';
import { currentOwner, readOwner } from '../spool/owner.ts';
import { readPlainFile } from '../spool/plain-file.ts';
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
const MOST_BYTES = 16 * 1024 * 1024;
const MOST_DESTINATIONS = 64;
const MOST_ITEMS = 1_000_000;

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
      rmSync(`${file}.new`, { force: true });
      writeFileSync(`${file}.new`, JSON.stringify(ledger), { mode: 0o600, flag: 'wx' });
      renameSync(`${file}.new`, file);
    } catch {
      // The spool is gone, or full.
    }
  }
}

/** Null where there is none that can be read. */
export function readLedger(spool: string): Ledger | null {
  try {
    return parseLedger(readPlainFile(join(spool, FILE), { most: MOST_BYTES, isOurs: true }).toString('utf8'));
  } catch {
    return null;
  }
}

/** Null for what no exporter of ours writes: it would say where to, and how far, telemetry is moved. */
export function parseLedger(text: string): Ledger | null {
  const { version, exporter, stateDir, maxItems, destinations } = fieldsOf(attempt(() => JSON.parse(text)));
  const owner = readOwner(exporter);
  if (version !== 1 || owner === null || !isCount(maxItems, MOST_ITEMS) || maxItems === 0) return null;
  if (stateDir !== null && !isPath(stateDir)) return null;
  if (!Array.isArray(destinations) || destinations.length > MOST_DESTINATIONS) return null;
  const lines = destinations.map(readLine);
  return lines.includes(null) ? null : { version: 1, exporter: owner, stateDir, maxItems, destinations: lines as LedgerLine[] };
}

function readLine(line: unknown): LedgerLine | null {
  const { signal, keep, positions } = fieldsOf(line);
  if (signal !== 'traces' && signal !== 'metrics' && signal !== 'logs') return null;
  const label = keep === null ? null : readLabel(keep);
  const known = Object.entries(fieldsOf(positions));
  if (label === undefined || !known.every(([, chunks]) => isCount(chunks, Number.MAX_SAFE_INTEGER))) return null;
  return { signal, keep: label, positions: Object.fromEntries(known) as Record<string, number> };
}

/** The hash becomes the name of a directory. */
function readLabel(keep: unknown): KeepLabel | undefined {
  const { hash, endpoint, protocol, service, environment } = fieldsOf(keep);
  if (typeof hash !== 'string' || !/^[0-9a-f]{32}$/.test(hash) || typeof endpoint !== 'string' || typeof protocol !== 'string') return undefined;
  const word = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  return { hash, endpoint, protocol, service: word(service), environment: word(environment) };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function isCount(value: unknown, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && isAbsolute(value) && !value.includes('\0');
}

function attempt(action: () => unknown): unknown {
  try {
    return action();
  } catch {
    return null;
  }
}
