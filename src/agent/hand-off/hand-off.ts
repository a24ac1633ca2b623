/**
 * When finished items are written: at the end of every event-loop turn in which something finished, at once
 * when much or old enough has gathered, and item by item while the process exits.
 */
import { Signal } from '../../spool/frame.ts';
import type { SegmentWriter } from '../../spool/segment-writer.ts';
import { isExiting } from '../exit/endings.ts';

export interface HandOff {
  /** Takes one encoded item of a scope; copies it. Never throws. */
  append(signal: Signal, scope: number, item: Uint8Array): void;
  /** Number for an instrumentation scope, from its encoded fields. */
  defineScope(fields: Uint8Array): number;
  drop(signal: Signal, reason: string, count: number): void;
  flush(): void;
  /**
   * The event loop may have run empty (`beforeExit`): until it turns again nothing of ours may hold it, or
   * `beforeExit` would repeat for ever where its listeners finish spans.
   */
  loopMayEnd(): void;
  /** The last flush; what still comes is written through. */
  end(): void;
}

const MAX_PENDING_BYTES = 64 * 1024;
const MAX_PENDING_MS = 10;

// Taken before the application can replace them (fake timers of test runners do).
const { setImmediate: nextTurn } = globalThis;
const now = performance.now.bind(performance);

export function createHandOff(writer: SegmentWriter, afterFlush: () => void): HandOff {
  let armed = false;
  let mayEnd = false;
  let through = false;
  let since = 0;

  const flush = (): void => {
    writer.flush(through || isExiting());
    since = 0;
    afterFlush();
  };
  const turnEnded = (): void => {
    armed = false;
    mayEnd = false;
    if (writer.pending > 0) flush();
  };
  const arm = (): void => {
    armed = true;
    const turn = nextTurn(turnEnded);
    // An unreferenced immediate armed by a timer waits until something else wakes the loop, so that one is
    // used only where a referenced one would keep the process alive.
    if (mayEnd) turn.unref();
  };

  return {
    append(signal, scope, item) {
      writer.append(signal, scope, item);
      if (through || isExiting()) return flush();
      if (writer.pending >= MAX_PENDING_BYTES) return flush();
      const time = now();
      if (since === 0) since = time;
      else if (time - since >= MAX_PENDING_MS) flush();
      if (!armed) arm();
    },
    defineScope: (fields) => writer.defineScope(fields),
    drop(signal, reason, count) {
      writer.drop(signal, reason, count);
      if (through || isExiting()) flush();
      else if (!armed) arm();
    },
    flush,
    loopMayEnd() {
      mayEnd = true;
      if (writer.pending > 0) flush();
    },
    end() {
      through = true;
      writer.close();
      afterFlush();
    },
  };
}
