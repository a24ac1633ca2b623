import type { ChildProcess, SerializationType } from 'node:child_process';
import type { Cluster } from 'node:cluster';
import { readFileSync } from 'node:fs';
import { openEnd, type IpcEnd } from './ipc-end.ts';

/** The channel of the process that forked us, held until there is an application to join it with. */
export interface HeldChannel {
  readonly serialization: SerializationType;
  /** What the application's Node needs besides: it may be a worker of `cluster`. */
  readonly env: Readonly<Record<string, string>>;
  /** Joins it with the application's: messages, handles, the end of either, and how fast each end reads. */
  join(child: ChildProcess): JoinedChannel;
}

export interface JoinedChannel {
  /** What the application had sent is with the process that forked us, or that process does not take it. */
  emptied(): Promise<void>;
}

/** For the last messages of an application, where the process that forked us is slow to read. */
const LAST_MESSAGES_MS = 2000;

/** Null where nobody forked us. To be called at once: what `cluster` would answer by itself is for the application. */
export function holdIpc(): HeldChannel | null {
  // Node takes NODE_CHANNEL_FD out of the environment when it has opened the channel.
  if (process.channel === undefined || process.channel === null) return null;
  const { worker } = process.getBuiltinModule('node:cluster') as unknown as Cluster;
  // As a worker of `cluster` we would exit when the channel is closed.
  if (worker !== undefined) process.removeAllListeners('disconnect');
  const parent = openEnd(process);
  return {
    serialization: ipcSerialization(),
    env: worker === undefined ? {} : { NODE_UNIQUE_ID: String(worker.id) },
    join: (child) => joinEnds(parent, openEnd(child), worker !== undefined),
  };
}

function joinEnds(parent: IpcEnd, application: IpcEnd, isWorker: boolean): JoinedChannel {
  let onlineDue = isWorker;
  parent.receive(application);
  application.receive(parent, (message) => {
    // Our own Node has told the primary that its worker is online; once is enough.
    const isOnline = onlineDue && isObject(message) && message.cmd === 'NODE_CLUSTER' && message.act === 'online';
    if (isOnline) onlineDue = false;
    return !isOnline;
  });
  void parent.closed.then(() => application.close());
  const closed = application.closed.then(() => parent.close());
  return {
    async emptied() {
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([closed, new Promise((resolve) => (timer = setTimeout(resolve, LAST_MESSAGES_MS)))]);
      clearTimeout(timer);
    },
  };
}

/**
 * How the process that forked us serializes messages. Node has taken the variable out of the environment by now;
 * Linux still shows the environment as it was at the start.
 */
function ipcSerialization(): SerializationType {
  try {
    const environ = readFileSync('/proc/self/environ', 'latin1');
    return environ.split('\0').includes('NODE_CHANNEL_SERIALIZATION_MODE=advanced') ? 'advanced' : 'json';
  } catch {
    return 'json';
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
