import { lstatSync, lutimesSync, readlinkSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { bootId, ownerLives, pidNamespace, startTicks } from '../spool/owner.ts';

/**
 * Who sends the kept telemetry of a destination in the background: one process at a time, so that several runs together keep
 * to the rate of one. A link whose target says who has it: made at once with its content, or not at all.
 */
export interface SendLock {
  /** Answers whether this process has it now. Never throws. */
  take(): boolean;
  /** Whether somebody who lives has it. */
  isTaken(): boolean;
  release(): void;
}

/** One of another pid namespace or boot has given it up when it has not come by for so long. */
const STALE_MS = 10 * 60_000;

export function openSendLock(path: string): SendLock {
  const here = { pidNamespace: pidNamespace(), boot: bootId() };
  const mine = [process.pid, startTicks('self') ?? 'x', here.pidNamespace ?? 'x', here.boot ?? 'x'].join(' ');
  let has = false;

  const lock: SendLock = {
    take() {
      try {
        if (has && readHolder() === mine) {
          lutimesSync(path, new Date(), new Date());
          return true;
        }
        if (lock.isTaken()) return (has = false);
        if (isThere()) putAside();
        symlinkSync(mine, path);
        return (has = true);
      } catch {
        return (has = false);
      }
    },
    isTaken() {
      const holder = readHolder();
      if (holder === null) return false;
      const [pid, start, space, boot] = holder.split(' ');
      if (!(Number(pid) > 0)) return false;
      const owner = { pid: Number(pid), thread: 0, start: start === 'x' ? null : start!, pidNamespace: space === 'x' ? null : space!, boot: boot === 'x' ? null : boot! };
      if (owner.pidNamespace === here.pidNamespace && owner.boot === here.boot) return ownerLives(owner, here);
      try {
        return Date.now() - lstatSync(path).mtimeMs < STALE_MS;
      } catch {
        return false;
      }
    },
    release() {
      if (has && readHolder() === mine) putAside();
      has = false;
    },
  };
  return lock;

  function readHolder(): string | null {
    try {
      return readlinkSync(path);
    } catch {
      return null;
    }
  }

  /** A link, or whatever else has got there: nobody would send any more. */
  function isThere(): boolean {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  }

  /** By a name of its own first: of two who do this one succeeds. */
  function putAside(): void {
    const aside = `${path}.${process.pid}`;
    try {
      renameSync(path, aside);
      unlinkSync(aside);
    } catch {
      // Somebody else was quicker.
    }
  }
}
