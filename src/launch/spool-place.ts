import { accessSync, chmodSync, constants, lstatSync, mkdirSync, readFileSync, readdirSync, statSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SHARED_HAND_OFF, listSegments } from '../spool/directory.ts';
import { makeDirectory } from '../spool/make-directory.ts';

export interface SpoolPlace {
  /** The run's own directory. */
  readonly dir: string;
  /** Where the processes of the application write: in it, or the directory itself. */
  readonly handOffDir: string;
  readonly capBytes: number;
}

export interface SpoolWishes {
  /** A directory to use in place of those that we would look for. */
  readonly dir: string | null;
  readonly capBytes: number | null;
}

interface Room {
  readonly base: string;
  readonly freeBytes: number;
  readonly inMemory: boolean;
}

const MiB = 1024 * 1024;
const MOST_BYTES = 64 * MiB;
/** A file system with less room than this is passed over, */
const ENOUGH_ROOM_BYTES = 16 * MiB;
/** unless there is no better one and it has this. */
const LEAST_ROOM_BYTES = MiB / 2;
const TMPFS = 0x01021994;

/** Finds the place of a run's spool: in memory where there is room, else on disk. Makes nothing. */
export function findSpoolPlace(run: string, wishes: SpoolWishes): SpoolPlace | null {
  const bases = basesOf(wishes);
  const room = wishes.dir === null ? pickRoom(bases) : measureRoom(wishes.dir);
  if (room === null) return null;
  const { base, freeBytes, inMemory } = room;
  const capBytes = spoolCap(freeBytes, inMemory ? memoryLimit() : null, wishes.capBytes);
  const dir = join(base, ownName(base, run), run);
  return { dir, handOffDir: isRoot() ? join(dir, SHARED_HAND_OFF) : dir, capBytes };
}

/** The spools of this user's runs that are there, living or not, wherever {@link findSpoolPlace} may have put them. */
export function listSpools(wishes: Pick<SpoolWishes, 'dir'>): string[] {
  const own = new RegExp(`^otel-run-${process.geteuid?.() ?? 0}(-[0-9a-f]{16})?$`);
  return basesOf(wishes)
    .flatMap((base) => list(base).filter((name) => own.test(name)).map((name) => join(base, name)))
    .filter((parent) => attempt(() => isOurs(parent)) ?? false)
    .flatMap((parent) => list(parent).filter((name) => /^[0-9a-f]{16}$/.test(name)).map((name) => join(parent, name)));
}

/**
 * Makes the directory. Throws where somebody else was there first.
 *
 * Of any user but root it is for that user alone. Processes of root's runs may be of any user (gosu, `setuid`), and hand
 * over in a directory in which everyone may make files, but nobody touch another's: everyone who knows its path, that is.
 * The run's id in it is random, its parent cannot be listed, and only environments of the run's own processes name it,
 * which nobody but their user and root can read. What the exporter writes itself stays outside, where only root can plant links.
 * Segments there are 0640 and of the launcher's group, so that a root without the capability to read everything reads them.
 */
export function makeSpool(dir: string): void {
  const parent = dirname(dir);
  makeDirectory(parent);
  if (!isOurs(parent)) throw new Error(`${parent} belongs to somebody else`);
  mkdirSync(dir, { mode: 0o700 });
  if (!isRoot()) return;
  const shared = join(dir, SHARED_HAND_OFF);
  mkdirSync(shared, { mode: 0o700 });
  chmodSync(shared, 0o3777);
  chmodSync(dir, 0o711);
  chmodSync(parent, 0o711);
}

/** Nothing has been handed over: there is no segment. */
export function isSpoolEmpty(dir: string): boolean {
  return listSegments(dir).length === 0;
}

/** At most 64 MiB and a quarter of what is free; in memory also a sixteenth of the limit that its pages count against. */
export function spoolCap(freeBytes: number, memoryLimitBytes: number | null, wishedBytes: number | null): number {
  return Math.floor(Math.min(wishedBytes ?? MOST_BYTES, MOST_BYTES, freeBytes / 4, (memoryLimitBytes ?? Infinity) / 16));
}

function basesOf({ dir }: Pick<SpoolWishes, 'dir'>): string[] {
  return dir === null ? [...new Set(['/dev/shm', tmpdir(), '/tmp', '/var/tmp'])] : [dir];
}

function list(dir: string): string[] {
  return attempt(() => readdirSync(dir)) ?? [];
}

function attempt<T>(action: () => T): T | null {
  try {
    return action();
  } catch {
    return null;
  }
}

function pickRoom(bases: readonly string[]): Room | null {
  const rooms = bases.map(measureRoom).filter((room) => room !== null && room.freeBytes >= LEAST_ROOM_BYTES) as Room[];
  return rooms.find(({ freeBytes }) => freeBytes >= ENOUGH_ROOM_BYTES) ?? rooms.sort((a, b) => b.freeBytes - a.freeBytes)[0] ?? null;
}

/** Null where nothing can be made: absent, read-only, not ours to write. */
function measureRoom(base: string): Room | null {
  try {
    if (!statSync(base).isDirectory()) return null;
    accessSync(base, constants.W_OK | constants.X_OK);
    const stat = statfsSync(base);
    return { base, freeBytes: stat.bavail * stat.bsize, inMemory: stat.type === TMPFS };
  } catch {
    return null;
  }
}

/**
 * `otel-run-<uid>` holds the runs of a user. The base is writable by everyone: where somebody else has put a
 * directory or a link of that name, the run gets one of its own, whose name nobody can have guessed.
 */
function ownName(base: string, run: string): string {
  const name = `otel-run-${process.geteuid?.() ?? 0}`;
  try {
    return isOurs(join(base, name)) ? name : `${name}-${run}`;
  } catch {
    return name; // nobody has made it yet
  }
}

/** A directory of this user that nobody else can write or list; one of root may be passed through. */
function isOurs(dir: string): boolean {
  const stat = lstatSync(dir);
  if (!stat.isDirectory()) return false;
  return process.geteuid === undefined || (stat.uid === process.geteuid() && (stat.mode & (isRoot() ? 0o066 : 0o077)) === 0);
}

function isRoot(): boolean {
  return process.geteuid?.() === 0;
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
