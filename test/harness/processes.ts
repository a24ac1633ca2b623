/** What Linux tells of the processes there are: proc(5). */
import { readFileSync, readdirSync } from 'node:fs';

export interface ProcessStat {
  /** The first 15 characters of its program's name. */
  readonly name: string;
  readonly state: string;
  readonly parent: number;
  readonly session: number;
  /** 0: none. */
  readonly terminal: number;
}

export function pids(): number[] {
  return readdirSync('/proc').map(Number).filter((pid) => pid > 0);
}

/** '' of a process that is gone. */
export function readProc(pid: number, file: 'cmdline' | 'environ' | 'stat' | 'status' | 'smaps_rollup'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

/** Null of a process that is gone. */
export function statOf(pid: number): ProcessStat | null {
  const stat = readProc(pid, 'stat');
  // A name may itself hold spaces and parentheses.
  const end = stat.lastIndexOf(')');
  if (end < 0) return null;
  const [state, parent, , session, terminal] = stat.slice(end + 2).split(' ');
  return { name: stat.slice(stat.indexOf('(') + 1, end), state: state!, parent: Number(parent), session: Number(session), terminal: Number(terminal) };
}

export function childrenOf(parent: number): number[] {
  return pids().filter((pid) => statOf(pid)?.parent === parent);
}

/** A zombie has ended. */
export function isAlive(pid: number): boolean {
  return !['Z', 'X', undefined].includes(statOf(pid)?.state);
}
