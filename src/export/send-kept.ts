import type { Claim, Keep } from './keep.ts';
import { buildRequest, halveParts, readRequest, type Part } from './request.ts';
import type { Batch, Exporter } from './types.ts';

export interface KeptOutcome {
  readonly delivered: number;
  /** Items that the backend will never take. */
  readonly lost: number;
  /** Items that are kept on. */
  readonly unsent: number;
  /** Why the last of the lost or unsent ones was not taken, or null. */
  readonly reason: string | null;
  /** When the backend wants to be asked again, where it said so. */
  readonly afterMs: number | null;
}

/** Sends a kept batch, in pieces where it is too large for the backend. What is not taken is kept on; what is refused is counted. */
export async function sendKept(keep: Keep, claim: Claim, exporter: Exporter, signal: AbortSignal): Promise<KeptOutcome> {
  const queue: Batch[] = [claim.batch];
  let [delivered, lost] = [0, 0];
  let reason: string | null = null;
  let afterMs: number | null = null;
  while (queue.length > 0) {
    const batch = queue[0]!;
    const outcome = await exporter.export(batch, signal);
    if (outcome.kind === 'retry') {
      reason = outcome.reason;
      afterMs = outcome.afterMs ?? null;
      break;
    }
    queue.shift();
    if (outcome.kind === 'delivered') {
      const rejected = Math.min(outcome.rejected, batch.count);
      delivered += batch.count - rejected;
      lost += rejected;
      if (rejected > 0) reason = `refused by the backend: ${outcome.message ?? 'it did not say why'}`;
      continue;
    }
    const halves = outcome.kind === 'too-large' ? halve(batch) : null;
    if (halves !== null) queue.unshift(...halves);
    else {
      lost += batch.count;
      reason = outcome.kind === 'too-large' ? `too large for the backend: ${outcome.reason}` : outcome.reason;
    }
  }
  const unsent = queue.reduce((sum, { count }) => sum + count, 0);
  if (unsent === claim.batch.count) claim.putBack();
  else {
    // In this order: a batch that is there twice is better than one that is nowhere.
    for (const batch of queue) keep.put(batch);
    claim.done();
  }
  return { delivered, lost, unsent, reason, afterMs };
}

function halve(batch: Batch): Batch[] | null {
  try {
    const halves = halveParts(readRequest(batch.body));
    return halves?.map((parts): Batch => ({ signal: batch.signal, count: sum(parts), body: buildRequest(parts) })) ?? null;
  } catch {
    return null; // damaged on disk: it would be tried for ever
  }
}

function sum(parts: readonly Part[]): number {
  return parts.reduce((all, { count }) => all + count, 0);
}
