import { readFileSync } from 'node:fs';
import { isTerminal } from './surroundings.ts';

/** Signals that are for the application, not for us. SIGTSTP is absent: a terminal stops its whole foreground group. */
const forwarded = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const;

/** What a terminal sends to every process of its foreground group by itself. */
const fromTerminal: ReadonlySet<string> = new Set(['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGWINCH']);

/**
 * Hands signals on to the application, so that each reaches it at most once. Node does not say who sent a signal:
 * one that a terminal sends is taken to come from the terminal while we are in its foreground group, and the
 * application, which is in that group too, has it already. A SIGINT that was sent to our pid alone from elsewhere
 * meanwhile is lost by this; a Ctrl-C that arrives twice would cut a graceful shutdown short.
 * Returns what undoes it.
 */
export function forwardSignals(send: (signal: NodeJS.Signals) => void): () => void {
  const undo = forwarded.map((signal) => {
    const forward = (): void => {
      if (!(fromTerminal.has(signal) && inForegroundGroup())) send(signal);
    };
    process.on(signal, forward);
    return () => process.removeListener(signal, forward);
  });
  return () => undo.forEach((step) => step());
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
