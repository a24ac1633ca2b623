import type { ChildProcess, SendHandle, Serializable, SerializationType } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * How the process that forked us serializes messages. Node has taken the variable out of the environment by now;
 * Linux still shows the environment as it was at the start.
 */
export function ipcSerialization(): SerializationType {
  try {
    const environ = readFileSync('/proc/self/environ', 'latin1');
    return environ.split('\0').includes('NODE_CHANNEL_SERIALIZATION_MODE=advanced') ? 'advanced' : 'json';
  } catch {
    return 'json';
  }
}

/** Joins the channel of the process that forked us with the application's: messages, handles, the end of either. */
export function relayIpc(child: ChildProcess): void {
  const lost = (): void => {}; // the other end has closed meanwhile; its `disconnect` says so
  process.on('message', (message: Serializable, handle: SendHandle) => {
    if (child.connected) child.send(message, handle, lost);
  });
  child.on('message', (message, handle) => {
    if (process.connected) process.send!(message, handle, undefined, lost);
  });
  process.on('disconnect', () => child.connected && child.disconnect());
  child.on('disconnect', () => process.connected && process.disconnect!());
}
