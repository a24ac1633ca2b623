import type { ExporterPlan } from '../plan/types.ts';
import type { Keep } from './keep.ts';
import { sendKept } from './send-kept.ts';
import type { Exporter } from './types.ts';

export interface Resender {
  /** Sends one kept batch where it is time for one. Never throws. */
  tick(isReached: boolean): void;
  /** Sends what is kept, one batch after the other, until `until` (a time of day) or the first that is not taken. Never rejects. */
  finish(until: number): Promise<void>;
  /** Stops: what is on its way goes back. Settles when it has. */
  stop(): Promise<void>;
  readonly resent: number;
}

/** Live telemetry comes first: one kept batch now and then, with jitter, once the backend has taken something. */
const PAUSE_MS = 500;
const NOTHING_KEPT_MS = 60_000;

/** What the end of a run may last longer for the sake of earlier runs: nobody waits for an exporter in a process of its own. */
const ALONE_MS = 30_000;

export function resendMs({ root, drain }: ExporterPlan): number {
  return root === null ? drain.badMs : ALONE_MS;
}

/** `onLost` hears of what the backend will never take. */
export function createResender(keep: Keep, exporter: Exporter, onLost: (count: number, reason: string) => void): Resender {
  let resent = 0;
  let notBefore = 0;
  let current: { abort: AbortController; done: Promise<boolean> } | null = null;
  let stopped = false;

  return {
    get resent() {
      return resent;
    },
    tick(isReached) {
      const now = Date.now();
      if (!isReached || stopped || current !== null || now < notBefore) return;
      notBefore = now + PAUSE_MS * (0.5 + Math.random());
      void start();
    },
    async finish(until) {
      const deadline = setTimeout(() => current?.abort.abort(), Math.max(0, until - Date.now()));
      stopped = true; // no more by tick()
      await current?.done;
      while (Date.now() < until && (await start()));
      clearTimeout(deadline);
    },
    async stop() {
      stopped = true;
      current?.abort.abort();
      await current?.done;
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
      const claim = keep.claim();
      if (claim === null) {
        notBefore = Date.now() + NOTHING_KEPT_MS;
        return false;
      }
      const { delivered, lost, unsent, reason, afterMs } = await sendKept(keep, claim, exporter, signal);
      resent += delivered;
      if (lost > 0) onLost(lost, reason ?? 'refused');
      if (unsent > 0) notBefore = Date.now() + Math.max(PAUSE_MS, afterMs ?? 0);
      return unsent === 0;
    } catch {
      notBefore = Date.now() + NOTHING_KEPT_MS;
      return false;
    }
  }
}
