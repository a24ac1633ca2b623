/** Spools of exporters that were killed, together with their applications or before them. */
import { readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { SegmentOwner } from '../spool/frame.ts';
import { bootId, ownerLives, pidNamespace, startTicks } from '../spool/owner.ts';
import { followSpool } from './follow.ts';
import { openKeepOf, type Keep } from './keep.ts';
import { readLedger, type Ledger, type LedgerLine } from './ledger.ts';
import { MAX_BODY_BYTES } from './pipeline.ts';
import { processesOf } from './processes.ts';
import { buildRequest, type Part } from './request.ts';
import { viewSpool, type SpoolView } from './spool-view.ts';

export interface Adopted {
  readonly kept: number;
  readonly lost: number;
}

/** A spool without a ledger, of an exporter that was killed before it could write one, tells nobody whose it is: it is counted. */
const NAMELESS_MS = 10 * 60_000;
const nameless: Omit<Ledger, 'exporter'> = { version: 1, stateDir: null, maxItems: 512, destinations: [{ signal: 'traces', keep: null, positions: {} }] };
const KEPT_ITEMS = 8192;
/** `<run>`, and behind a dot who is about to adopt it. */
const NAME = /^([0-9a-f]{16})(?:\.(\d+)-(\w+))?$/;

/**
 * Moves what the orphans beside `spool` hold into the state directory, each under its own destination, which alone will get
 * it, and removes them. Spools whose exporter, writers or adopter may live are let alone. Never throws.
 */
export function adoptOrphans(spool: string): Adopted {
  const sum = { kept: 0, lost: 0 };
  const parent = dirname(spool);
  if (!/^otel-run-/.test(basename(parent))) return sum;
  const here = { pidNamespace: pidNamespace(), boot: bootId() };
  for (const name of list(parent)) {
    const [, run, pid, start] = NAME.exec(name) ?? [];
    if (run === undefined || name === basename(spool)) continue;
    if (pid !== undefined && ownerLives({ pid: Number(pid), thread: 0, start: start === 'x' ? null : start!, ...here }, here)) continue;
    try {
      adopt(join(parent, name), run, here, sum);
    } catch {
      // Somebody else was quicker, or the next run is luckier.
    }
  }
  return sum;
}

function adopt(dir: string, run: string, here: Pick<SegmentOwner, 'pidNamespace' | 'boot'>, sum: { kept: number; lost: number }): void {
  const found = readLedger(dir);
  if (found === null ? Date.now() - statSync(dir).mtimeMs < NAMELESS_MS : ownerLives(found.exporter, here)) return;
  if (processesOf(run).length > 0) return;
  const ledger = found ?? nameless;
  const before = viewSpool(dir, 0);
  before.refresh(true);
  if ([...before.segments.values()].some(({ writerEnded }) => !writerEnded)) return;

  const mine = join(dirname(dir), `${run}.${process.pid}-${startTicks('self') ?? 'x'}`);
  renameSync(dir, mine);
  const view = viewSpool(mine, ledger.destinations.length);
  view.refresh(true);
  ledger.destinations.forEach((line, reader) => {
    const keep = line.keep === null || ledger.stateDir === null ? null : openKeepOf(ledger.stateDir, line.keep);
    const { kept, lost } = move(view, line, ledger, keep);
    sum.kept += kept;
    if (line.keep !== null || found === null) sum.lost += lost;
    for (const segment of [...view.segments.values()]) view.settle(segment, reader);
  });
  rmSync(mine, { recursive: true, force: true });
}

function move(view: SpoolView, { signal, positions }: LedgerLine, { maxItems }: Pick<Ledger, 'maxItems'>, keep: Keep | null): { kept: number; lost: number } {
  const follower = followSpool({ view, signal, maxItems, maxBytes: MAX_BODY_BYTES, skip: positions });
  let [kept, lost] = [0, 0];
  let parts: Part[] = [];
  let [count, bytes] = [0, 0];
  const put = (): void => {
    if (count === 0) return;
    try {
      if (keep === null) lost += count;
      else {
        lost += keep.put({ signal, count, body: buildRequest(parts) }).reduce((sum, evicted) => sum + evicted.count, 0);
        kept += count;
      }
    } catch {
      lost += count;
    }
    parts = [];
    [count, bytes] = [0, 0];
  };
  for (let chunks = follower.read(); chunks !== null; chunks = follower.read()) {
    for (const { part, count: items } of chunks) {
      if (part === null) {
        lost += items;
        continue;
      }
      const size = part.items.length + part.resource.length + part.scope.length;
      if (count + items > KEPT_ITEMS || bytes + size > MAX_BODY_BYTES) put();
      parts.push(part);
      count += items;
      bytes += size;
    }
  }
  put();
  return { kept, lost };
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
