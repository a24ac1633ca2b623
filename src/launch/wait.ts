import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { ExitCode, UserError } from '../errors.ts';
import type { LaunchCommand } from '../plan/types.ts';
import type { Ending } from './ending.ts';
import type { HeldChannel } from './relay-ipc.ts';
import { forwardSignals } from './signals.ts';
import { withOwnPid } from './socket-activation.ts';
import { isTerminal, type Surroundings } from './surroundings.ts';
import { callWitness, type Witness } from './witness.ts';

export interface StartedCommand {
  readonly pid: number;
  /** Signals are forwarded until it has ended. */
  readonly ended: Promise<Ending>;
  /** What it had sent over the IPC channel when it ended has arrived. */
  lastMessagesSent(): Promise<void>;
}

export interface StartOptions extends Pick<Surroundings, 'inheritedDescriptors' | 'unmarkedDescriptors'> {
  /** The channel of the process that forked us, or null. */
  readonly ipc: HeldChannel | null;
  readonly termDelayMs: number;
  /** A signal has come that is for the application. */
  onSignal(): void;
}

/** An application's start is not disturbed by a process more. */
const CALL_WITNESS_AFTER_MS = 300;

/**
 * Starts the command with our stdin, stdout and stderr, the IPC channel and the inherited descriptors under their
 * numbers, and hands signals on to it.
 */
export async function startCommand(
  command: LaunchCommand,
  env: Readonly<Record<string, string>>,
  { ipc, inheritedDescriptors, unmarkedDescriptors, termDelayMs, onSignal }: StartOptions,
): Promise<StartedCommand> {
  // A signal that comes between the start and the handlers would end us and not the application.
  let child: ChildProcess | null = null;
  const early: NodeJS.Signals[] = [];
  let witness: Witness | null = null;
  const forwarding = forwardSignals({
    witness: () => witness,
    termDelayMs,
    send(signal) {
      onSignal();
      if (child === null) early.push(signal);
      else child.kill(signal);
    },
  });
  // Process 1 is signalled alone, but for a terminal's signals.
  const calling = process.platform === 'linux' && (process.pid !== 1 || isTerminal(0)) ? setTimeout(() => (witness = callWitness(unmarkedDescriptors)), CALL_WITNESS_AFTER_MS) : undefined;
  const stopForwarding = (): void => {
    clearTimeout(calling);
    witness?.dismiss();
    forwarding();
  };
  try {
    const stage = withOwnPid(command, env);
    child = spawn(stage.file, stage.args, {
      argv0: stage.name,
      env: { ...stage.env, ...ipc?.env },
      stdio: stdioOf(inheritedDescriptors, ipc !== null),
      ...(ipc === null ? {} : { serialization: ipc.serialization }),
    });
    const pid = await startOf(child, command);
    for (const signal of early) child.kill(signal);
    const joined = ipc?.join(child);
    return { pid, ended: endOf(child).finally(stopForwarding), lastMessagesSent: async () => joined?.emptied() };
  } catch (error) {
    stopForwarding();
    throw error;
  }
}

function stdioOf(inherited: readonly number[], ipcChannel: boolean): StdioOptions {
  const stdio: ('inherit' | 'ignore' | 'ipc' | number)[] = ['inherit', 'inherit', 'inherit'];
  // Above 2, libuv leaves a descriptor that is ignored closed.
  for (const fd of inherited) {
    while (stdio.length < fd) stdio.push('ignore');
    stdio[fd] = fd;
  }
  if (ipcChannel) {
    const gap = stdio.indexOf('ignore');
    stdio[gap < 0 ? stdio.length : gap] = 'ipc';
  }
  return stdio;
}

function startOf(child: ChildProcess, command: LaunchCommand): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid!));
    child.once('error', (error: NodeJS.ErrnoException) => reject(explainStart(error, command)));
  });
}

function explainStart(error: NodeJS.ErrnoException, { name, file }: LaunchCommand): UserError {
  if (error.code === 'ENOENT') {
    return new UserError(ExitCode.notFound, `${name}: command not found (or the program that its first line names: ${file})`);
  }
  const cause = error.code === 'E2BIG' ? 'the arguments and the environment are too long together' : (error.code ?? error.message);
  return new UserError(ExitCode.notExecutable, `${name}: cannot be started: ${cause} (${file})`);
}

function endOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}
