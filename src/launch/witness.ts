import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { spawnApart } from './spawn-apart.ts';

export interface Witness {
  /**
   * Whether a signal that has just come was sent to our whole process group, so that the application, which is in
   * it too, has it already; null where nobody can tell (yet).
   */
  saw(signal: NodeJS.Signals): Promise<boolean | null>;
  dismiss(): void;
}

/** A signal reaches all processes of a group in one system call, those of a systemd unit one after the other. */
const PATIENCE_MS = 50;
const LONGEST_MS = 2000;
const SHELL = '/bin/sh';
/** Some shells do not leave `read` for every signal (bash for SIGWINCH), and none does for one that came just before: for this one they do. */
const NUDGE = 'SIGALRM';

/**
 * Node does not say who sent a signal, or to whom. A shell that stands in our group, says which signals come to it
 * and waits for the end of its input does: it is told what the group is sent, and nothing of what is sent to us
 * alone. It ends with us, however we end.
 */
export function callWitness(signals: readonly NodeJS.Signals[], unmarkedDescriptors: readonly number[]): Witness {
  const told = new Map<string, number>();
  const waiting: (() => void)[] = [];
  let ready = false;
  let witness: ChildProcess | null = start();

  return {
    async saw(signal) {
      const at = performance.now();
      for (;;) {
        if (witness === null) return null;
        const { pending, running } = stateOf(witness.pid!);
        // What it has said by now is read behind a whole turn of the event loop.
        await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
        if (pending.has(signal) || (told.get(signal) ?? -Infinity) > at - PATIENCE_MS) return true;
        const left = at + PATIENCE_MS - performance.now();
        // On a machine that is busy it may be about to say so.
        if (left <= 0 && !(running && left > -LONGEST_MS)) return ready ? false : null;
        if (ready) witness?.kill(NUDGE);
        await new Promise<void>((resolve) => (waiting.push(resolve), setTimeout(resolve, Math.max(left, 5))));
      }
    },
    dismiss() {
      const dismissed = witness;
      witness = null;
      dismissed?.stdin!.end();
      dismissed?.stdout!.destroy();
    },
  };

  function wake(): void {
    for (const resolve of waiting.splice(0)) resolve();
  }

  /** A system without a shell, or with no room for a process more, has no witness. */
  function start(): ChildProcess | null {
    ready = false;
    try {
      return call();
    } catch {
      return null;
    }
  }

  function call(): ChildProcess {
    const child = spawnApart(SHELL, ['-c', scriptFor(signals)], { env: { PATH: process.env.PATH }, detached: false, unmarkedDescriptors, heard: true });
    child.once('error', () => leave(child, null));
    child.once('exit', (_, signal) => leave(child, signal));
    child.stdin!.on('error', () => {});
    child.stdout!.setEncoding('latin1').on('data', (text: string) => {
      // Lines of a few bytes come whole.
      for (const line of text.trim().split('\n')) {
        if (line === 'ready') ready = true;
        else told.set(`SIG${line}`, performance.now());
      }
      wake();
    });
    child.unref();
    for (const stream of [child.stdin, child.stdout]) (stream as unknown as { unref(): void }).unref();
    return child;
  }

  function leave(child: ChildProcess, signal: NodeJS.Signals | null): void {
    if (child !== witness) return;
    // It has no traps yet when it is young.
    if (signal !== null) told.set(signal, performance.now());
    witness = ready || signal !== null ? start() : null;
    wake();
  }
}

/** A trap cuts `read` short, which fails as at the end of the input; only there is `t` empty. */
function scriptFor(signals: readonly NodeJS.Signals[]): string {
  const traps = signals.map((signal) => `trap 'echo ${signal.slice(3)}; t=1' ${signal.slice(3)}`);
  return `${traps.join('; ')}; trap t=1 ${NUDGE.slice(3)}; echo ready; while read -r _ || [ "$t" ]; do t=; done`;
}

interface WitnessState {
  /** It has not come to these yet. */
  readonly pending: { has(signal: NodeJS.Signals): boolean };
  /** Something has come to it: it does nothing else but wait. */
  readonly running: boolean;
}

/** proc_pid_status(5) */
function stateOf(pid: number): WitnessState {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const bits = BigInt(`0x${/^ShdPnd:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
    return {
      pending: { has: (signal) => (bits & (1n << BigInt(constants.signals[signal] - 1))) !== 0n },
      running: !/^State:\s*[ST]/m.test(status),
    };
  } catch {
    return { pending: new Set(), running: false };
  }
}
