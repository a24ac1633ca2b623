import { readFileSync, readlinkSync } from 'node:fs';
import type { SegmentOwner } from './frame.ts';

/** Identity of the calling process (and thread), as far as the platform tells it. Never throws. */
export function currentOwner(thread: number): SegmentOwner {
  return { pid: process.pid, thread, start: startTicks('self'), pidNamespace: pidNamespace(), boot: bootId() };
}

/**
 * Whether the process that wrote a segment still lives. A pid of another pid namespace cannot be judged
 * and counts as alive; a zombie has ended.
 */
export function ownerLives(owner: SegmentOwner, here: Pick<SegmentOwner, 'pidNamespace' | 'boot'>): boolean {
  if (owner.boot !== null && here.boot !== null && owner.boot !== here.boot) return false;
  if (owner.pidNamespace !== here.pidNamespace) return true;
  if (owner.start !== null) {
    const stat = readStat(owner.pid);
    return stat !== null && stat.start === owner.start && stat.state !== 'Z' && stat.state !== 'X';
  }
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whoever may write a segment, or the exporter's file, says what it likes: this is checked before it is believed. */
export function readOwner(said: unknown): SegmentOwner | null {
  if (typeof said !== 'object' || said === null) return null;
  const { pid, thread, start, pidNamespace, boot } = said as Record<keyof SegmentOwner, unknown>;
  if (!Number.isSafeInteger(pid) || (pid as number) <= 0) return null;
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  return { pid: pid as number, thread: Number.isSafeInteger(thread) ? (thread as number) : 0, start: text(start), pidNamespace: text(pidNamespace), boot: text(boot) };
}

export function startTicks(pid: number | 'self'): string | null {
  return readStat(pid)?.start ?? null;
}

export function pidNamespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return null;
  }
}

export function bootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return null;
  }
}

/** State and start time of /proc/<pid>/stat; the command in parentheses may itself hold spaces and parentheses. */
function readStat(pid: number | 'self'): { state: string; start: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, start] = [fields[0], fields[19]];
    return state === undefined || start === undefined ? null : { state, start };
  } catch {
    return null;
  }
}
