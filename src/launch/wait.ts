import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { ExitCode, UserError } from '../errors.ts';
import type { LaunchCommand } from '../plan/types.ts';
import type { Ending } from './ending.ts';
import type { HeldChannel } from './relay-ipc.ts';
import { followStops } from './follow-stops.ts';
import { forwarded, forwardSignals } from './signals.ts';
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
  onSignal(signal: NodeJS.Signals): void;
}

/** An application can hardly have a handler before, and one that ends before pays for no process more. */
const CALL_WITNESS_AFTER_MS = 75;

/**
 * Starts the command with our stdin, stdout and stderr, the IPC channel and the inherited descriptors under their
 * numbers, and hands signals on to it.
 */
export async function startCommand(
  command: LaunchCommand,
  env: Readonly<Record<string, string>>,
  { ipc, inheritedDescriptors, unmarkedDescriptors, termDelayMs, onSignal }: StartOptions,
): Promise<StartedCommand> {
  let child: ChildProcess | null = null;
  let witness: Witness | null = null;
  let young = true;
  let stopFollowing = (): void => {};
  // Before the start: a signal that comes between the two would end us and not the application.
  const forwarding = forwardSignals({
    mayPrecede: () => young,
    witness: () => witness,
    termDelayMs,
    send(signal) {
      onSignal(signal);
      child?.kill(signal);
    },
    onShared: onSignal,
  });
  // Process 1 is signalled alone, but for a terminal's signals.
  const calling = process.platform === 'linux' && (process.pid !== 1 || isTerminal(0)) ? setTimeout(() => (witness = callWitness(forwarded, unmarkedDescriptors)), CALL_WITNESS_AFTER_MS) : undefined;
  const stopForwarding = (): void => {
    clearTimeout(calling);
    stopFollowing();
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
    // What came before is told in the next turn of the event loop, at the latest; nothing has a handler so soon that would be called twice.
    setImmediate(() => setImmediate(() => (young = false)));
    const pid = await startOf(child, command);
    if (process.platform === 'linux') stopFollowing = followStops(pid);
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
