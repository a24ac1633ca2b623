/**
 * When finished items are written: at the end of every event-loop turn in which something finished, at once
 * when much or old enough has gathered, and item by item while the process exits.
 */
import { FrameType, Signal } from '../../spool/frame.ts';
import type { SegmentWriter } from '../../spool/segment-writer.ts';
import { isExiting } from '../exit/endings.ts';
import { hasStack } from '../stack.ts';

export interface HandOff {
  /** Takes one encoded item of a scope; copies it. Throws where the stack is full, and has not taken it then. */
  append(signal: Signal, scope: number, item: Uint8Array): void;
  /** Number for an instrumentation scope, from its encoded fields. */
  defineScope(fields: Uint8Array): number;
  drop(signal: Signal, reason: string, count: number): void;
  /** Takes what is known of a span that has begun. */
  appendStart(scope: number, item: Uint8Array): void;
  /** Such a span has ended. `id` in hexadecimal digits. */
  appendEnd(id: string): void;
  flush(): void;
  /** Calls back at the end of this turn, before what it finished is written. */
  atTurnEnd(step: () => void): void;
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

export function createHandOff(writer: SegmentWriter, beforeFlush: () => void, afterFlush: () => void): HandOff {
  let armed = false;
  let mayEnd = false;
  let through = false;
  let since = 0;
  let turnSteps: (() => void)[] = [];
  let ends: string[] = [];

  /** Behind the items of the ended spans: a kill between the two must not lose the span. */
  const noteEnds = (): void => {
    if (ends.length === 0) return;
    writer.note(FrameType.ended, Signal.traces, 0, Buffer.from(ends.join(''), 'hex'));
    ends = [];
  };
  const flush = (): void => {
    if (!hasStack()) return;
    noteEnds();
    if (writer.pending > 0) beforeFlush();
    writer.flush(through || isExiting());
    since = 0;
    afterFlush();
  };
  const turnEnded = (): void => {
    armed = false;
    mayEnd = false;
    if (turnSteps.length > 0) {
      const steps = turnSteps;
      turnSteps = [];
      for (const step of steps) step();
    }
    if (writer.pending > 0) flush();
  };
  const arm = (): void => {
    armed = true;
    const turn = nextTurn(turnEnded);
    // An unreferenced immediate armed by a timer waits until something else wakes the loop, so that one is
    // used only where a referenced one would keep the process alive.
    if (mayEnd) turn.unref();
  };

  const schedule = (): void => {
    if (through || isExiting()) return flush();
    if (writer.pending >= MAX_PENDING_BYTES) return flush();
    const time = now();
    if (since === 0) since = time;
    else if (time - since >= MAX_PENDING_MS) flush();
    if (!armed) arm();
  };

  return {
    append(signal, scope, item) {
      writer.append(signal, scope, item);
      try {
        schedule();
      } catch {
        // No room on the stack: the next one does it, or the end.
      }
    },
    defineScope: (fields) => writer.defineScope(fields),
    drop(signal, reason, count) {
      writer.drop(signal, reason, count);
      if (through || isExiting()) flush();
      else if (!armed) arm();
    },
    appendStart: (scope, item) => writer.note(FrameType.starts, Signal.traces, scope, item),
    appendEnd: (id) => void ends.push(id),
    flush,
    atTurnEnd(step) {
      turnSteps.push(step);
      if (!armed) arm();
    },
    loopMayEnd() {
      mayEnd = true;
      if (writer.pending > 0) flush();
    },
    end() {
      through = true;
      noteEnds();
      writer.close();
      afterFlush();
    },
  };
}
