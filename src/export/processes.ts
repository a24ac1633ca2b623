import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { uptime } from 'node:os';
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
  for (let look = 1; ; look++) {
    const kinds = pids().map((pid) => ({ pid, kind: pid === process.pid ? 'other' : kindOf(pid, run) }));
    const found = kinds.filter(({ kind }) => kind === 'member').map(({ pid }) => ({ pid, start: startTicks(pid) }));
    if (found.length > 0 || look === LOOKS || !kinds.some(({ kind }) => kind === 'becoming')) return found;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BETWEEN_LOOKS_MS);
  }
}

const LOOKS = 6;
const BETWEEN_LOOKS_MS = 10;
/** `nohup`, `env`, `setsid` and the like become the program that they start. */
const YOUNG_S = 1;

function pids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter((pid) => pid > 0);
  } catch {
    return [];
  }
}

/** `becoming`: what was started just now may be about to become a member. */
function kindOf(pid: number, run: string): 'member' | 'becoming' | 'other' {
  try {
    // What is not Node (a database that was started on the way) will finish nothing of ours.
    const program = basename(readlinkSync(`/proc/${pid}/exe`));
    const isWanted = program.startsWith('node') || program === basename(process.execPath) || SHELL.test(program);
    if (!isWanted && pid < process.pid) return 'other'; // older than the run
    // Empty in the middle of an `execve`.
    const environ = readFileSync(`/proc/${pid}/environ`, 'latin1');
    if (environ !== '' && !environ.includes(`"run":"${run}"`)) return 'other';
    if (environ !== '' && isWanted) return 'member';
    return uptime() - Number(startTicks(pid)) / TICKS_A_SECOND < YOUNG_S ? 'becoming' : 'other';
  } catch {
    return 'other'; // gone, or somebody else's
  }
}

/** Of what /proc says in clock ticks: 100 on every Linux for user space. */
const TICKS_A_SECOND = 100;
