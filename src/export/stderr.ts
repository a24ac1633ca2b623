import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { wantsColour } from '../view/paint.ts';

/** Where viewers write to. */
export interface Terminal {
  readonly colour: boolean;
  readonly width: number;
  /** Answers whether all of it was taken. Never throws. */
  write(text: string): boolean;
}

/** Text goes to descriptor 2 itself: the stderr stream of a worker thread waits for the main thread, which may be ending. */
export function openStderr(env: Readonly<Record<string, string | undefined>>): Terminal {
  const columns = Number(env.COLUMNS);
  return {
    colour: wantsColour(env, isatty(2)),
    width: Number.isInteger(columns) && columns >= 20 ? Math.min(columns, 400) : 120,
    write: (text) => writePatiently(Buffer.from(text), (bytes) => writeSync(2, bytes)),
  };
}

const PATIENCE_MS = 500;
const PAUSE_MS = 5;

/** A pipe that Node has made non-blocking takes what it has room for, or answers EAGAIN. */
export function writePatiently(bytes: Buffer, write: (bytes: Buffer) => number, patienceMs = PATIENCE_MS): boolean {
  let rest = bytes;
  let waited = 0;
  while (rest.length > 0) {
    try {
      const written = write(rest);
      rest = rest.subarray(written);
      if (written > 0) waited = 0;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EINTR') continue;
      if (code !== 'EAGAIN' || waited >= patienceMs) return false;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
      waited += PAUSE_MS;
    }
  }
  return true;
}
