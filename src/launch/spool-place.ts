import { lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SpoolPlace {
  /** The run's own directory. */
  readonly dir: string;
  readonly capBytes: number;
}

export interface SpoolWishes {
  /** A directory to use in place of those that we would look for. */
  readonly dir: string | null;
  readonly capBytes: number | null;
}

const MiB = 1024 * 1024;
const MOST_BYTES = 64 * MiB;
/** A file system with less room than this is passed over. */
const LEAST_ROOM_BYTES = 16 * MiB;
const TMPFS = 0x01021994;

/** Finds the place of a run's spool: in memory where there is room, else on disk. Makes nothing. */
export function findSpoolPlace(run: string, wishes: SpoolWishes): SpoolPlace | null {
  for (const base of wishes.dir === null ? ['/dev/shm', tmpdir()] : [wishes.dir]) {
    const room = measureRoom(base);
    if (room === null || (room.freeBytes < LEAST_ROOM_BYTES && wishes.dir === null)) continue;
    const capBytes = spoolCap(room.freeBytes, room.inMemory ? memoryLimit() : null, wishes.capBytes);
    return { dir: join(base, privateName(base, run), run), capBytes };
  }
  return null;
}

/** Makes the directory, readable by this user alone. Throws where somebody else was there first. */
export function makeSpool(dir: string): void {
  const parent = join(dir, '..');
  mkdirSync(parent, { mode: 0o700, recursive: true });
  if (!isPrivate(parent)) throw new Error(`${parent} belongs to somebody else`);
  mkdirSync(dir, { mode: 0o700 });
}

/** Removes a spool that holds no telemetry; one that does is left for the exporter that will find it. */
export function removeSpool(dir: string): void {
  if (!isSpoolEmpty(dir)) return;
  try {
    rmSync(dir, { recursive: true, force: true });
  } catch {
    // Left behind: an empty directory in the memory file system.
  }
}

/** Nothing has been handed over: there is no segment. */
export function isSpoolEmpty(dir: string): boolean {
  try {
    return !readdirSync(dir).some((name) => name.endsWith('.seg'));
  } catch {
    return true; // gone
  }
}

/** At most 64 MiB and a quarter of what is free; in memory also a sixteenth of the limit that its pages count against. */
export function spoolCap(freeBytes: number, memoryLimitBytes: number | null, wishedBytes: number | null): number {
  return Math.floor(Math.min(wishedBytes ?? MOST_BYTES, MOST_BYTES, freeBytes / 4, (memoryLimitBytes ?? Infinity) / 16));
}

function measureRoom(base: string): { freeBytes: number; inMemory: boolean } | null {
  try {
    if (!statSync(base).isDirectory()) return null;
    const stat = statfsSync(base);
    return { freeBytes: stat.bavail * stat.bsize, inMemory: stat.type === TMPFS };
  } catch {
    return null;
  }
}

/**
 * `otel-run-<uid>` holds the runs of a user. The base is writable by everyone: where somebody else has put a
 * directory or a link of that name, the run gets one of its own, whose name nobody can have guessed.
 */
function privateName(base: string, run: string): string {
  const name = `otel-run-${process.getuid?.() ?? 0}`;
  try {
    return isPrivate(join(base, name)) ? name : `${name}-${run}`;
  } catch {
    return name; // nobody has made it yet
  }
}

function isPrivate(dir: string): boolean {
  const stat = lstatSync(dir);
  if (!stat.isDirectory()) return false;
  return process.getuid === undefined || (stat.uid === process.getuid() && (stat.mode & 0o077) === 0);
}

/** The memory limit of this process's control group (v2, v1) in bytes, or null. */
function memoryLimit(): number | null {
  const groups = read('/proc/self/cgroup') ?? '';
  const unified = /^0::(.*)$/m.exec(groups)?.[1] ?? '/';
  const memory = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(groups)?.[1] ?? '/';
  const files = [
    join('/sys/fs/cgroup', unified, 'memory.max'),
    '/sys/fs/cgroup/memory.max',
    join('/sys/fs/cgroup/memory', memory, 'memory.limit_in_bytes'),
    '/sys/fs/cgroup/memory/memory.limit_in_bytes',
  ];
  for (const file of files) {
    const bytes = Number.parseInt(read(file) ?? '', 10);
    // Version 1 says "no limit" by a number near 2^63.
    if (bytes > 0 && bytes < 2 ** 53) return bytes;
  }
  return null;
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return null;
  }
}
