import type { ExporterBeside } from './launch.ts';

/** An application's start is over by then, mostly; its spans wait in the spool meanwhile. */
const HEAD_START_MS = 300;
/** If we are killed behind this, the next run knows whose the spool is. An application has finished nothing before. */
const CLAIM_MS = 45;

/**
 * Starts the exporter when the application has had its head start on the processor, or has ended with something to
 * deliver. One that ends at once and has finished nothing pays for no exporter at all.
 */
export function startWhenNeeded(start: () => Promise<ExporterBeside | null>, hasNothing: () => boolean, abandon: () => void, claim: () => void): ExporterBeside {
  let started: Promise<ExporterBeside | null> | null = null;
  const startOnce = (): Promise<ExporterBeside | null> => (started ??= start());
  const timers = [setTimeout(claim, CLAIM_MS), setTimeout(startOnce, HEAD_START_MS)];
  return {
    flush(isTold) {
      void startOnce().then((exporter) => exporter?.flush(isTold));
    },
    cutShort() {
      void started?.then((exporter) => exporter?.cutShort());
    },
    async drain(endedAt, ending) {
      for (const timer of timers) clearTimeout(timer);
      if (started === null && hasNothing()) {
        abandon();
        return null;
      }
      return (await startOnce())?.drain(endedAt, ending) ?? null;
    },
  };
}
