/**
 * Lines of the exporter for people. It is a process of its own with no terminal, so the application's first
 * process says them on stderr.
 */
import { closeSync, constants, fstatSync, openSync, readSync, statSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bootId, ownerLives, pidNamespace, readOwner } from '../../spool/owner.ts';
import { readPlainFile } from '../../spool/plain-file.ts';

export interface Notices {
  /** Looks for new lines, at most every five seconds. */
  look(): void;
  /** Says what is left, and lets the next process of the application take over. */
  end(): void;
}

const EVERY_MS = 5000;
const MAX_BYTES = 16 * 1024;
const MAX_LEDGER_BYTES = 16 * 1024 * 1024;

/** Null where another process of the application, all of which can write in `dir`, says them already, or nobody hears this one. Never throws. */
export function claimNotices(file: string, dir: string): Notices | null {
  if (!isHeard(2)) return null;
  const claim = join(dir, 'notices.reader');
  const shown = join(dir, 'notices.shown');
  try {
    closeSync(openSync(claim, 'wx', 0o600));
  } catch {
    return null;
  }
  let offset = readOffset(shown);
  let lookAgain = performance.now() + EVERY_MS;
  let isOver = false;
  let isKillTold = false;

  const say = (): void => {
    if (!isKillTold && exporterIsGone(dirname(file))) {
      isKillTold = true;
      attempt(() => writeSync(2, 'otel-run: the exporter was killed: what the application finishes waits in the spool for the next run, and what does not fit there is counted as lost\n'));
    }
    const text = readFrom(file, offset);
    const end = text.lastIndexOf(0x0a) + 1;
    if (end === 0) return;
    offset += end;
    try {
      writeSync(2, text.subarray(0, end));
    } catch {
      return; // whoever read it has gone
    }
    // At once: the exporter says with its last words what nobody has said.
    // Anew: a process of another user may have put a link there.
    attempt(() => unlinkSync(shown));
    attempt(() => writeFileSync(shown, String(offset), { mode: 0o644, flag: 'wx' }));
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
      attempt(() => unlinkSync(claim));
    },
  };
}

/** A daemon's stderr is closed, or /dev/null: what it says there has not been said. */
function isHeard(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return !stat.isCharacterDevice() || stat.rdev !== statSync('/dev/null').rdev;
  } catch {
    return false;
  }
}

/** It ends behind all processes of the application; whoever sees that it has ended has outlived it. */
function exporterIsGone(spool: string): boolean {
  try {
    const { exporter } = JSON.parse(readPlainFile(join(spool, 'exporter.json'), { most: MAX_LEDGER_BYTES }).toString('utf8')) as { exporter?: unknown };
    const owner = readOwner(exporter);
    return owner !== null && !ownerLives(owner, { pidNamespace: pidNamespace(), boot: bootId() });
  } catch {
    return false; // not written yet, or the run's directory is gone
  }
}

function readOffset(file: string): number {
  try {
    return Math.max(0, Number(readPlainFile(file, { most: 32 }).toString('latin1')) || 0);
  } catch {
    return 0;
  }
}

function readFrom(file: string, offset: number): Buffer {
  let fd = -1;
  try {
    // A pipe of that name would be waited for.
    fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stat = fstatSync(fd);
    const length = stat.isFile() ? Math.min(stat.size - offset, MAX_BYTES) : 0;
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
