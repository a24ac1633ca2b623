/**
 * The files below `<stateDir>/kept/`: one export request each, `<ms>-<signal>-<items>-<random>.otlp` in a folder for each
 * destination. To rename one is to take it: of several processes one succeeds. A name tells by which process.
 */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { SignalName } from '../plan/types.ts';
import { bootId, ownerLives, pidNamespace, startTicks } from '../spool/owner.ts';
import { belongsToUs, isPlain, readPlainFile } from '../spool/plain-file.ts';
import { oneLine } from '../view/words.ts';

export interface KeepLimits {
  /** Of all destinations of a user together. */
  readonly bytes: number;
  readonly ageMs: number;
}

export const KEEP_LIMITS: KeepLimits = { bytes: 256 * 1024 * 1024, ageMs: 24 * 3600_000 };

/** A metric point is news for minutes; what came behind it says more. */
const METRICS_AGE_MS = 600_000;

/** Too old to be sent. */
export function isExpired({ age, signal }: Pick<KeptFile, 'age' | 'signal'>, { ageMs }: Pick<KeepLimits, 'ageMs'> = KEEP_LIMITS): boolean {
  return age > (signal === 'metrics' ? Math.min(METRICS_AGE_MS, ageMs) : ageMs);
}

export interface KeptFile {
  readonly name: string;
  readonly path: string;
  readonly signal: SignalName;
  readonly count: number;
  readonly size: number;
  readonly age: number;
}

/** First line of each file. */
export interface KeptHeader {
  readonly version: 1;
  readonly endpoint: string;
  readonly protocol: string;
  readonly service: string | null;
  readonly environment: string | null;
  readonly signal: SignalName;
  readonly count: number;
  readonly time: string;
}

/** A claim of a process that cannot be asked after counts as given up after so long, and a file that nobody has finished. */
const STALE_MS = 10 * 60_000;
const FILE_NAME = /^(\d{13})-(traces|metrics|logs)-(\d{1,9})-[0-9a-f]+\.otlp$/;
const CLAIM_NAME = /^(.*\.otlp)\.(\d+)-(\w+)-([0-9a-f]{8})\.claim$/;
const UNFINISHED_NAME = /^\.\d{13}-(?:traces|metrics|logs)-\d{1,9}-[0-9a-f]+\.otlp\.tmp$/;
/** None of ours comes near: a frame of the spool, which a batch may exceed by its resource, is bounded by 16 MiB. */
const MOST_FILE_BYTES = 64 * 1024 * 1024;
const MOST_HEADER_BYTES = 256 * 1024;

export function keptRoot(stateDir: string): string {
  return join(stateDir, 'kept');
}

/** Folders of all destinations. */
export function keptFolders(stateDir: string): string[] {
  const root = keptRoot(stateDir);
  if (!isOwnDirectory(root)) return [];
  return list(root).filter((name) => /^[0-9a-f]{32}$/.test(name)).map((name) => join(root, name));
}

/** A directory that a link leads to, or that is another user's, is not ours to read, fill or clear. */
export function isOwnDirectory(dir: string): boolean {
  try {
    const stat = lstatSync(dir);
    return stat.isDirectory() && belongsToUs(stat);
  } catch {
    return false;
  }
}

/** What can be taken, oldest first. Claims that were given up are among it. */
export function listKept(folder: string): KeptFile[] {
  return look(folder).kept;
}

/** The same, and the bytes of everything that lies there: also of what somebody is sending, or writing. */
export function look(folder: string): { readonly kept: KeptFile[]; readonly bytes: number } {
  const kept: KeptFile[] = [];
  let bytes = 0;
  if (!isOwnDirectory(folder)) return { kept, bytes };
  for (const entry of list(folder)) {
    try {
      const name = entry.endsWith('.claim') ? giveBack(folder, entry) : entry;
      const path = join(folder, name);
      const stat = lstatSync(path);
      if (!isPlain(stat) || !belongsToUs(stat)) continue;
      const match = FILE_NAME.exec(name);
      if (match !== null) kept.push({ name, path, signal: match[2] as SignalName, count: Number(match[3]), size: stat.size, age: Date.now() - Number(match[1]) });
      else if (UNFINISHED_NAME.test(name) && Date.now() - stat.ctimeMs > STALE_MS) {
        unlinkSync(path); // its writer was killed; the spool still holds what it says
        continue;
      }
      bytes += stat.size;
    } catch {
      continue; // claimed or removed meanwhile
    }
  }
  return { kept: kept.sort((a, b) => (a.name < b.name ? -1 : 1)), bytes };
}

/** Takes a file for this process; its new path, or null where somebody else was quicker. */
export function takeFile({ path }: KeptFile): string | null {
  const claimed = `${path}.${process.pid}-${startTicks('self') ?? 'x'}-${placeMark()}.claim`;
  try {
    renameSync(path, claimed);
    return claimed;
  } catch {
    return null;
  }
}

/** Answers whether it was this call that removed it: what somebody else has taken meanwhile is not ours to count. */
export function removeFile({ path }: Pick<KeptFile, 'path'>): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch {
    return false;
  }
}

export function removeWhereEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Holds more.
  }
}

/** Null where it cannot be read, or is none. */
export function readHeader(path: string): KeptHeader | null {
  try {
    return parseKept(readPlainFile(path, { most: MOST_HEADER_BYTES, isHeadEnough: true, isOurs: true }))?.header ?? null;
  } catch {
    return null;
  }
}

/** The request in a file; null where the file cannot be read, or is none of ours. */
export function readKept(path: string): Buffer | null {
  try {
    return parseKept(readPlainFile(path, { most: MOST_FILE_BYTES, isOurs: true }))?.body ?? null;
  } catch {
    return null;
  }
}

/** A file may be damaged, or somebody's: what its header says is shown to people, and decides nothing else. */
export function parseKept(bytes: Buffer): { readonly header: KeptHeader; readonly body: Buffer } | null {
  const end = bytes.subarray(0, MOST_HEADER_BYTES).indexOf(0x0a);
  if (end < 0) return null;
  let said: Partial<Record<keyof KeptHeader, unknown>> | null;
  try {
    said = JSON.parse(bytes.toString('utf8', 0, end)) as typeof said;
  } catch {
    return null;
  }
  if (typeof said !== 'object' || said === null || said.version !== 1) return null;
  const { endpoint, protocol, service, environment, signal, count, time } = said;
  if (typeof endpoint !== 'string' || (signal !== 'traces' && signal !== 'metrics' && signal !== 'logs') || !Number.isSafeInteger(count)) return null;
  const word = (value: unknown): string | null => (typeof value === 'string' ? oneLine(value) : null);
  const header: KeptHeader = { version: 1, endpoint: oneLine(endpoint), protocol: word(protocol) ?? '', service: word(service), environment: word(environment), signal, count: count as number, time: word(time) ?? '' };
  return { header, body: bytes.subarray(end + 1) };
}

export interface Expired {
  readonly endpoint: string;
  readonly count: number;
}

/** Removes what is too old, of every destination: nobody may ever come again who would send it. */
export function removeExpired(stateDir: string, limits: KeepLimits = KEEP_LIMITS): Expired[] {
  const expired = new Map<string, number>();
  for (const folder of keptFolders(stateDir)) {
    for (const file of listKept(folder)) {
      if (!isExpired(file, limits)) continue;
      const endpoint = readHeader(file.path)?.endpoint ?? 'an unknown backend';
      if (removeFile(file)) expired.set(endpoint, (expired.get(endpoint) ?? 0) + file.count);
    }
    removeWhereEmpty(folder);
  }
  return [...expired].map(([endpoint, count]) => ({ endpoint, count }));
}

/** The name that a file goes by now: its old one where its claimer has ended. */
function giveBack(folder: string, entry: string): string {
  const match = CLAIM_NAME.exec(entry);
  if (match === null) return entry;
  const [, name, pid, start, place] = match as unknown as [string, string, string, string, string];
  const here = { pidNamespace: pidNamespace(), boot: bootId() };
  const canAsk = place === placeMark();
  const lives = canAsk ? ownerLives({ pid: Number(pid), thread: 0, start: start === 'x' ? null : start, ...here }, here) : Date.now() - lstatSync(join(folder, entry)).ctimeMs < STALE_MS;
  if (lives) return entry;
  renameSync(join(folder, entry), join(folder, name));
  return name;
}

/** Stands for the pid namespace and the boot in which a pid means something. */
function placeMark(): string {
  return createHash('sha256').update(JSON.stringify([pidNamespace(), bootId()])).digest('hex').slice(0, 8);
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
