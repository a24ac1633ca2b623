import type { ChildProcess, SendHandle, Serializable } from 'node:child_process';

/** One of the two channels that a relay joins. */
export interface IpcEnd {
  /** Hands everything that arrives here on to the other end; `isWanted` sees Node's own messages. */
  receive(other: IpcEnd, isWanted?: (message: unknown) => boolean): void;
  /** False while the other side reads more slowly than is sent; then `onRoom` is called once there is room again. */
  send(message: unknown, handle: RawHandle | undefined, onRoom: () => void): boolean;
  /** Closes it when everything is sent. */
  close(): Promise<void>;
  /** It has been closed, from either side. */
  readonly closed: Promise<void>;
}

/** A handle of libuv, before Node has made a socket, a server or a dgram socket of it. */
interface RawHandle {
  close(): void;
}

type Listener = (message: unknown, handle: RawHandle | undefined) => void;
type Send = (message: Serializable, handle: SendHandle | undefined, options: undefined, callback: (error: Error | null) => void) => boolean;

/**
 * Node speaks a protocol of its own on the channel, in messages whose `cmd` begins with NODE_: a handle travels in
 * a NODE_HANDLE that says what it is and is acknowledged; `cluster` and the count of a server's connections are
 * messages of this kind, too. All of it is passed on as it came. A handle stays raw: a server that became one here
 * would accept connections here. Put into a message of ours, it is wrapped a second time, and acknowledged twice.
 * https://github.com/nodejs/node/blob/main/lib/internal/child_process.js, setupChannel
 */
export function openEnd(target: NodeJS.Process | ChildProcess): IpcEnd {
  const emitter: NodeJS.EventEmitter = target;
  // The first listener is the channel's own; `cluster` has added another.
  const [own] = emitter.listeners('internalMessage') as Listener[];
  const channel = rawChannel(target);
  const early: [message: unknown, handle: RawHandle | undefined][] = [];
  let deliver = (message: unknown, handle: RawHandle | undefined): void => void early.push([message, handle]);
  /** Handles that were sent and are not acknowledged; whether the acknowledgement of what they carry follows. */
  const sent: boolean[] = [];
  let innerDue = false;

  emitter.removeAllListeners('internalMessage');
  emitter.on('internalMessage', (message: Record<string, unknown>, handle: RawHandle | undefined) => {
    const isAck = message.cmd === 'NODE_HANDLE_ACK';
    if (isAck && innerDue) {
      innerDue = false;
    } else if (isAck || message.cmd === 'NODE_HANDLE_NACK') {
      innerDue = sent.shift() === true && isAck;
      own?.call(target, message, handle);
    } else if (message.cmd !== 'NODE_HANDLE') {
      deliver(message, handle);
    } else if (handle === undefined || handle === null) {
      own?.call(target, message, handle); // asks for it again
    } else {
      const isWrapped = String(message.type).endsWith('.Native');
      acknowledge();
      if (isWrapped && isHandleMessage(message.msg)) acknowledge();
      deliver(isWrapped ? message.msg : message, handle);
    }
  });

  let unsent = 0;
  let waiting: (() => void)[] = [];
  const onSent = (): void => {
    if (--unsent > 0) return;
    const steps = waiting;
    waiting = [];
    for (const step of steps) step();
  };
  const closed = new Promise<void>((resolve) => (target.connected ? emitter.once('disconnect', resolve) : resolve()));

  return {
    closed,
    receive(other, isWanted = () => true) {
      deliver = (message, handle) => {
        if (isWanted(message) && !other.send(message, handle, () => channel?.readStart())) channel?.readStop();
      };
      for (const [message, handle] of early.splice(0)) deliver(message, handle);
      emitter.on('message', deliver);
    },
    send(message, handle, onRoom) {
      if (!target.connected) {
        handle?.close();
        return true;
      }
      if (handle !== undefined) sent.push(isHandleMessage(message));
      unsent++;
      const hasRoom = transmit(message, handle, () => {
        handle?.close();
        onSent();
      });
      if (!hasRoom) waiting.push(onRoom);
      return hasRoom;
    },
    async close() {
      if (unsent > 0) await new Promise<void>((resolve) => waiting.push(resolve));
      if (target.connected) target.disconnect!();
    },
  };

  function acknowledge(): void {
    if (target.connected) transmit({ cmd: 'NODE_HANDLE_ACK' }, undefined, () => {});
  }

  function transmit(message: unknown, handle: RawHandle | undefined, callback: () => void): boolean {
    return (target.send as Send).call(target, message as Serializable, handle as SendHandle | undefined, undefined, callback);
  }
}

function isHandleMessage(message: unknown): boolean {
  return (message as { cmd?: unknown } | null | undefined)?.cmd === 'NODE_HANDLE';
}

/** To stop reading there is no public way. Without it a slow reader costs us memory, and nothing else. */
function rawChannel(target: object): { readStart(): void; readStop(): void } | null {
  const symbol = Object.getOwnPropertySymbols(target).find(({ description }) => description === 'kChannelHandle');
  const channel: unknown = symbol === undefined ? null : Reflect.get(target, symbol);
  const { readStart, readStop } = (channel ?? {}) as { readStart?: () => void; readStop?: () => void };
  if (typeof readStart !== 'function' || typeof readStop !== 'function') return null;
  return { readStart: () => void readStart.call(channel), readStop: () => void readStop.call(channel) };
}
