import { readFileSync } from 'node:fs';
import { isTerminal } from './surroundings.ts';
import type { Witness } from './witness.ts';

/** Signals that are for the application, not for us. SIGTSTP is absent: a terminal stops its whole foreground group. */
export const forwarded: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'];

/** What a terminal, or the shell that has it, sends to every process of the foreground group. */
const fromTerminal: ReadonlySet<string> = new Set(['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGWINCH', 'SIGCONT']);

export interface ForwardOptions {
  /** Whether what is told now may have come before there was an application. */
  readonly mayPrecede: () => boolean;
  /** Null where there is none (yet). */
  readonly witness: () => Witness | null;
  /** Milliseconds by which the first SIGTERM reaches the application later. */
  readonly termDelayMs: number;
  send(signal: NodeJS.Signals): void;
  /** It was for the whole group, the application among it. */
  onShared(signal: NodeJS.Signals): void;
}

/**
 * Hands signals on to the application, so that each reaches it at most once: what was sent to our whole process
 * group has reached it already. Where no witness tells, a signal that terminals send is taken to come from the
 * terminal while we are in its foreground group, and every other one to be sent to us alone: a Ctrl-C that arrived
 * twice would cut a graceful shutdown short.
 * Returns what undoes it.
 */
export function forwardSignals({ mayPrecede, witness, termDelayMs, send, onShared }: ForwardOptions): () => void {
  let held: NodeJS.Timeout | null = null;
  const forward = async (signal: NodeJS.Signals): Promise<void> => {
    if (held !== null && signal === 'SIGTERM') return release();
    if (!mayPrecede() && ((await witness()?.saw(signal)) ?? (fromTerminal.has(signal) && inForegroundGroup()))) return onShared(signal);
    if (signal === 'SIGTERM' && termDelayMs > 0 && held === null) held = setTimeout(release, termDelayMs);
    else send(signal);
  };
  const release = (): void => {
    clearTimeout(held ?? undefined);
    held = null;
    termDelayMs = 0;
    send('SIGTERM');
  };

  const undo = forwarded.map((signal) => {
    const heard = (): void => void forward(signal);
    process.on(signal, heard);
    return () => process.removeListener(signal, heard);
  });
  return () => {
    clearTimeout(held ?? undefined);
    undo.forEach((step) => step());
  };
}

/** Whether our process group is the foreground group of a controlling terminal. */
function inForegroundGroup(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const [, , group, , terminal, foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return terminal !== '0' && group === foreground;
  } catch {
    return isTerminal(0);
  }
}
