import type { ExporterPlan } from '../plan/types.ts';
import { followSpool } from './follow.ts';
import type { Settled } from './messages.ts';
import { MAX_BODY_BYTES } from './pipeline.ts';
import { viewSpool } from './spool-view.ts';
import { addTally, emptyTally, type MutableTally } from './summary.ts';

/**
 * What is left of the spool when nobody will send it any more: counted as lost for every destination, and removed where its
 * writers have ended, for it lies in memory. Writes nothing: it runs where a write may be what went wrong.
 */
export function countRest(plan: ExporterPlan, settled: readonly Settled[], reason: string): MutableTally[] {
  const view = viewSpool(plan.spool, plan.destinations.length);
  view.refresh(true);
  return plan.destinations.map((destination, reader) => {
    const tally = emptyTally();
    addTally(tally, settled[reader]!.tally);
    const signal = 'signal' in destination ? destination.signal : 'traces';
    const follower = followSpool({ view, signal, maxItems: plan.batch.maxItems, maxBytes: MAX_BODY_BYTES, skip: settled[reader]!.positions });
    for (let chunks = follower.read(); chunks !== null; chunks = follower.read()) {
      for (const { count, lost } of chunks) {
        tally.produced += count;
        tally.dropped[lost ?? reason] = (tally.dropped[lost ?? reason] ?? 0) + count;
      }
    }
    for (const segment of [...view.segments.values()]) if (follower.hasReadAll(segment)) view.settle(segment, reader);
    return tally;
  });
}
