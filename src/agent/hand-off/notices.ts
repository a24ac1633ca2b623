/**
 * Lines of the exporter for people. It is a process of its own with no terminal, so the application's first
 * process says them on stderr.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';

export interface Notices {
  /** Looks for new lines, at most every five seconds. */
  look(): void;
  /** Says what is left, and lets the next process of the application take over. */
  end(): void;
}

const EVERY_MS = 5000;
const MAX_BYTES = 16 * 1024;

/** Null where another process of the application says them already. Never throws. */
export function claimNotices(file: string): Notices | null {
  const claim = `${file}.reader`;
  const shown = `${file}.shown`;
  try {
    closeSync(openSync(claim, 'wx', 0o600));
  } catch {
    return null;
  }
  let offset = readOffset(shown);
  let lookAgain = performance.now() + EVERY_MS;
  let isOver = false;

  const say = (): void => {
    const text = readFrom(file, offset);
    const end = text.lastIndexOf(0x0a) + 1;
    if (end === 0) return;
    offset += end;
    attempt(() => writeSync(2, text.subarray(0, end)));
  };

  return {
    look() {
      const time = performance.now();
      if (isOver || time < lookAgain) return;
      lookAgain = time + EVERY_MS;
      say();
    },
    end() {
      if (isOver) return;
      isOver = true;
      say();
      attempt(() => writeFileSync(shown, String(offset), { mode: 0o600 }));
      attempt(() => unlinkSync(claim));
    },
  };
}

function readOffset(file: string): number {
  try {
    return Number(readFileSync(file, 'latin1')) || 0;
  } catch {
    return 0;
  }
}

function readFrom(file: string, offset: number): Buffer {
  let fd = -1;
  try {
    fd = openSync(file, 'r');
    const length = Math.min(fstatSync(fd).size - offset, MAX_BYTES);
    if (length <= 0) return Buffer.alloc(0);
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(fd, bytes, 0, length, offset));
  } catch {
    return Buffer.alloc(0); // no line yet, or the run's directory is gone
  } finally {
    if (fd >= 0) attempt(() => closeSync(fd));
  }
}

function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // Telling is the last thing that may harm the application.
  }
}
