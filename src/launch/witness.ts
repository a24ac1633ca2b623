import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { spawnApart } from './spawn-apart.ts';

export interface Witness {
  /**
   * Whether a signal that has just come was sent to our whole process group, so that the application, which is in
   * it too, has it already; null where nobody can tell.
   */
  saw(signal: NodeJS.Signals): Promise<boolean | null>;
  dismiss(): void;
}

/** What ends a process that has no handler, and leaves no core file. */
const TOLD: ReadonlySet<string> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']);
/** A signal reaches all processes of a group in one system call, those of a systemd unit one after the other. */
const PATIENCE_MS = 25;

/**
 * Node does not say who sent a signal, or to whom. A process that stands in our group and does nothing but wait for
 * the end of its input (`cat`) does: it dies of what the group is sent, and outlives what is sent to us alone. It
 * ends with us, however we end.
 */
export function callWitness(unmarkedDescriptors: readonly number[]): Witness {
  let witness: ChildProcess | null = start();
  let wake = (): void => {};

  return {
    async saw(signal) {
      if (witness === null || !TOLD.has(signal)) return null;
      if (isGone(witness, signal)) return (witness = start(), null);
      if (!isHit(witness, signal)) await new Promise<void>((resolve) => ((wake = resolve), setTimeout(resolve, PATIENCE_MS)));
      if (witness === null || !isHit(witness, signal)) return false;
      witness = start();
      return true;
    },
    dismiss() {
      witness?.stdin?.end();
      witness?.removeAllListeners();
      witness = null;
    },
  };

  function start(): ChildProcess | null {
    const child = spawnApart('cat', [], { env: { PATH: process.env.PATH }, detached: false, unmarkedDescriptors });
    // A system without `cat` has no witness.
    child.once('error', () => child === witness && (witness = null));
    child.once('exit', () => wake());
    child.stdin!.on('error', () => {});
    child.unref();
    (child.stdin as unknown as { unref(): void }).unref();
    return child;
  }
}

/** Of something else than `signal`. */
function isGone({ signalCode, exitCode }: ChildProcess, signal: NodeJS.Signals): boolean {
  return exitCode !== null || (signalCode !== null && signalCode !== signal);
}

/** It has ended of the signal, is ending, or has not come to it yet: proc_pid_status(5). */
function isHit({ pid, signalCode, exitCode }: ChildProcess, signal: NodeJS.Signals): boolean {
  if (signalCode !== null || exitCode !== null) return signalCode === signal;
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const pending = BigInt(`0x${/^ShdPnd:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
    return /^State:\s*[ZX]/m.test(status) || (pending & (1n << BigInt(constants.signals[signal] - 1))) !== 0n;
  } catch {
    return false;
  }
}
