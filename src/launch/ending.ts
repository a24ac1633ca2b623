import { constants } from 'node:os';
import { canEndWithoutCore } from './core-dump.ts';

/** How a process ended: by a code, or by a signal. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How long a signal that we sent to ourselves may take to end us. */
const SIGNAL_GRACE_MS = 500;

/**
 * Ends this process as the application ended: with the same code, or by the same signal, so that a shell sees no
 * difference. As process 1 a signal of one's own does nothing, and SIGPIPE does nothing in any Node: then 128 + n,
 * and so where it would leave a second core file.
 */
export async function endAs(ending: Ending): Promise<never> {
  if (ending.signal === null) process.exit(ending.code ?? 0);
  const { signal } = ending;
  if (process.pid !== 1 && canEndWithoutCore(signal)) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    await new Promise((resolve) => setTimeout(resolve, SIGNAL_GRACE_MS));
  }
  return process.exit(128 + (constants.signals[signal] ?? 0));
}
