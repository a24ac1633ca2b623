import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { startTicks } from '../spool/owner.ts';

export interface LivingProcess {
  readonly pid: number;
  readonly start: string | null;
}

/** A script starts the next Node process when the last one has ended, and nothing but the shell lives in between. */
const SHELL = /^(?:ba|da|a|z|k|mk|fi)?sh$|^busybox$/;

/**
 * The Node processes that live and were told of this run, also those that have written nothing yet, and shells: a daemon
 * outlives the process that started it. Empty where the platform has no /proc.
 */
export function processesOf(run: string): LivingProcess[] {
  return pids().flatMap((pid) => (pid !== process.pid && isOfRun(pid, run) ? [{ pid, start: startTicks(pid) }] : []));
}

function pids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter((pid) => pid > 0);
  } catch {
    return [];
  }
}

function isOfRun(pid: number, run: string): boolean {
  try {
    // What is not Node (a database that was started on the way) will finish nothing of ours.
    const program = basename(readlinkSync(`/proc/${pid}/exe`));
    if (!program.startsWith('node') && program !== basename(process.execPath) && !SHELL.test(program)) return false;
    return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`"run":"${run}"`);
  } catch {
    return false; // gone, or somebody else's
  }
}
