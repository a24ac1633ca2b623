/** How processes of the run have ended, as far as somebody has waited for them, signalled them, or was signalled with them. */
export interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
}

/** One that somebody has waited for. */
export interface WaitedFor extends Ending {
  readonly pid: number;
}

export interface Endings {
  /** `at` in milliseconds since 1970, as below. */
  note(ended: WaitedFor, at: number): void;
  /** One process of the run has signalled another. */
  sent(pid: number, signal: string, at: number): void;
  /** The run was told to end, and whoever has no handler does. */
  told(at: number): void;
  /** Of a process that was last heard of `since` then, and missed later. */
  of(pid: number, since: number, missedAt: number): Ending | null;
  /** It was told to end just before it was missed. */
  wasTold(missedAt: number): boolean;
}

/** By these a process is asked to end, and one that has no handler does. */
export const POLITE: ReadonlySet<string> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP']);

/** A file's time is coarser than a clock, and pids are used again. */
const SLACK_MS = 1000;
const TOLD_BEFORE_MS = 5000;
const MOST = 10_000;

export function collectEndings(): Endings {
  const waited = new Map<number, Ending & { readonly at: number }>();
  const sent = new Map<number, Ending & { readonly at: number }>();
  let toldAt = -Infinity;
  const keep = (known: typeof waited, pid: number, ending: Ending & { readonly at: number }): void => {
    if (known.size >= MOST) known.delete(known.keys().next().value!);
    known.set(pid, ending);
  };
  return {
    note({ pid, code, signal }, at) {
      keep(waited, pid, { code, signal, at });
      // Mostly sent to its whole group.
      if (signal !== null && POLITE.has(signal)) toldAt = at;
    },
    sent: (pid, signal, at) => keep(sent, pid, { code: null, signal, at }),
    told(at) {
      toldAt = at;
    },
    of(pid, since, missedAt) {
      const [end, signal] = [waited.get(pid), sent.get(pid)];
      if (end !== undefined && end.at + SLACK_MS >= since) return end;
      // One that it has a handler for has not ended it.
      return signal !== undefined && signal.at + SLACK_MS >= since && missedAt - signal.at < TOLD_BEFORE_MS ? signal : null;
    },
    wasTold: (missedAt) => missedAt - toldAt < TOLD_BEFORE_MS,
  };
}
