import type { ExporterPlan } from '../plan/types.ts';
import type { Keep } from './keep.ts';
import { sendKept } from './send-kept.ts';
import type { SendLock } from './send-lock.ts';
import type { Exporter } from './types.ts';

export interface Resender {
  /** Sends one kept batch where it is time for one. `delivered` live items so far; none of `waiting` ones: the backend is not known to take any. Never throws. */
  tick(delivered: number, waiting: boolean): void;
  /** Sends what is kept, one batch after the other, until `until` (by `performance.now()`) or the first that is not taken. Never rejects. */
  finish(until: number): Promise<void>;
  /** Stops: what is on its way goes back. Settles when it has. */
  stop(): Promise<void>;
  readonly resent: number;
}

export interface ResendTools {
  readonly keep: Keep;
  readonly exporter: Exporter;
  readonly lock: SendLock;
  /** Hears of what the backend will never take. */
  onLost(count: number, reason: string): void;
}

/** Live telemetry comes first: kept items go at a tenth of its rate, but at this many a second at least. */
const SHARE = 0.1;
const LEAST_A_SECOND = 500;
const PAUSE_MS = 500;
const NOTHING_TO_DO_MS = 60_000;
const FAILED_MS = 15_000;
/** Without live telemetry for so long, what is kept goes out to see whether the backend takes any. */
const IDLE_MS = 2000;

/** What the end of a run may last longer for the sake of earlier runs: nobody waits for an exporter in a process of its own. */
const ALONE_MS = 30_000;

export function resendMs({ root, errand }: ExporterPlan): number {
  return root === null && errand === undefined ? 0 : ALONE_MS;
}

/** The pause behind a kept batch, before it is spread by chance: runs that saw the same outage must not come back in step. */
export function pauseBehind(items: number, liveItems: number, liveMs: number): number {
  const rate = Math.max(LEAST_A_SECOND, (SHARE * liveItems) / Math.max(1, liveMs / 1000));
  return Math.max(PAUSE_MS, (items / rate) * 1000);
}

export function createResender({ keep, exporter, lock, onLost }: ResendTools): Resender {
  const began = performance.now();
  let resent = 0;
  let live = 0;
  let notBefore = 0;
  let current: { abort: AbortController; done: Promise<boolean> } | null = null;
  let stopped = false;

  return {
    get resent() {
      return resent;
    },
    tick(delivered, waiting) {
      live = delivered;
      // An application that has nothing to send can wait for its first item for days.
      const isIdle = !waiting && performance.now() - began > IDLE_MS;
      if ((delivered === 0 && !isIdle) || stopped || current !== null || performance.now() < notBefore) return;
      void start();
    },
    async finish(until) {
      const deadline = setTimeout(() => current?.abort.abort(), Math.max(0, until - performance.now()));
      stopped = true; // no more by tick()
      await current?.done;
      while (performance.now() < until && (await start()));
      clearTimeout(deadline);
      lock.release();
    },
    async stop() {
      stopped = true;
      current?.abort.abort();
      await current?.done;
      lock.release();
    },
  };

  function start(): Promise<boolean> {
    const abort = new AbortController();
    const done = sendOne(abort.signal).finally(() => (current = null));
    current = { abort, done };
    return done;
  }

  /** Answers whether there may be more to send now. */
  async function sendOne(signal: AbortSignal): Promise<boolean> {
    try {
      const claim = keep.count() > 0 && lock.take() ? keep.claim() : null;
      if (claim === null) {
        lock.release();
        wait(NOTHING_TO_DO_MS);
        return false;
      }
      const { delivered, lost, unsent, reason, afterMs } = await sendKept(keep, claim, exporter, signal);
      resent += delivered;
      if (lost > 0) onLost(lost, reason ?? 'refused');
      wait(Math.max(pauseBehind(claim.batch.count, live, performance.now() - began), unsent > 0 ? Math.max(afterMs ?? 0, FAILED_MS) : 0));
      return unsent === 0;
    } catch {
      wait(NOTHING_TO_DO_MS);
      return false;
    }
  }

  function wait(ms: number): void {
    notBefore = performance.now() + ms * (0.5 + Math.random());
  }
}
