import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

/** A stop of the whole group comes to us as well: no need to look at once. */
const LOOK_MS = 20;
/** What continues us reaches the application within this. */
const SETTLE_MS = 300;

/**
 * Stops this process when the application has stopped alone, so that the shell sees its job stop and has its terminal back:
 * in raw mode a terminal sends no signal, and Node's readline answers Ctrl-Z by stopping itself. `fg` continues us all.
 * Where no shell has a terminal for us nobody would continue us: there it changes nothing. Returns what undoes it.
 */
export function followStops(pid: number): () => void {
  let continuedAt = -Infinity;
  let timer: NodeJS.Timeout | undefined;

  const arm = (ms: number): void => {
    clearTimeout(timer);
    const due = performance.now() + ms;
    timer = setTimeout(() => look(due), ms);
    timer.unref();
  };
  const look = (due: number): void => {
    if (!isStopped(pid)) return;
    const now = performance.now();
    // A timer that comes late may have been stopped with us.
    if (now - due > SETTLE_MS) return arm(SETTLE_MS);
    if (now - continuedAt < SETTLE_MS) return arm(continuedAt + SETTLE_MS - now);
    if (hasTerminal()) process.kill(process.pid, 'SIGSTOP');
  };
  const childChanged = (): void => arm(LOOK_MS);
  const continued = (): void => void (continuedAt = performance.now());
  process.on('SIGCHLD', childChanged);
  process.on('SIGCONT', continued);
  return () => {
    clearTimeout(timer);
    process.removeListener('SIGCHLD', childChanged);
    process.removeListener('SIGCONT', continued);
  };
}

function isStopped(pid: number): boolean {
  return statOf(String(pid))[0] === 'T';
}

function hasTerminal(): boolean {
  return (statOf('self')[4] ?? '0') !== '0';
}

/** From the state on: state, parent, group, session, controlling terminal (proc(5)). */
function statOf(pid: string): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
