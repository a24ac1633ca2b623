import type { Keep } from './keep.ts';
import type { Exporter } from './types.ts';

export interface Resender {
  /** Sends one kept batch where it is time for one. Never throws. */
  tick(isReached: boolean): void;
  /** Stops: what is on its way goes back. */
  stop(): void;
  readonly resent: number;
}

/** Live telemetry comes first: one kept batch now and then, with jitter, once the backend has taken something. */
const PAUSE_MS = 500;

export function createResender(keep: Keep, exporter: Exporter): Resender {
  let resent = 0;
  let notBefore = 0;
  let current: AbortController | null = null;
  let stopped = false;

  return {
    get resent() {
      return resent;
    },
    tick(isReached) {
      const now = Date.now();
      if (!isReached || stopped || current !== null || now < notBefore) return;
      notBefore = now + PAUSE_MS * (0.5 + Math.random());
      current = new AbortController();
      void sendOne(current.signal).finally(() => (current = null));
    },
    stop() {
      stopped = true;
      current?.abort();
    },
  };

  async function sendOne(signal: AbortSignal): Promise<void> {
    try {
      const claim = keep.claim();
      if (claim === null) {
        notBefore = Date.now() + 60_000;
        return;
      }
      const outcome = await exporter.export(claim.batch, signal);
      // One that the backend will never take is not offered again.
      if (outcome.kind === 'retry') return claim.putBack();
      claim.done();
      if (outcome.kind === 'delivered') resent += claim.batch.count - outcome.rejected;
    } catch {
      notBefore = Date.now() + 60_000;
    }
  }
}
