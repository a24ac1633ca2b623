/**
 * Telemetry that could not be delivered, in `<stateDir>/kept/<destination>/`: one export request a file, behind a line of
 * JSON that says whose it is. The destination is a hash over endpoint, credentials, service and environment: only a run with
 * the same one sends it.
 */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, lstatSync, openSync, readFileSync, readdirSync, renameSync, rmSync, rmdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { OtlpDestination, SignalName } from '../plan/types.ts';
import { bootId, ownerLives, pidNamespace, startTicks } from '../spool/owner.ts';
import { makeDirectories } from './make-directories.ts';
import type { Batch } from './types.ts';

export interface KeepIdentity {
  readonly serviceName: string | null;
  readonly environment: string | null;
}

export interface Keep {
  /** Writes a batch; throws where that fails. Returns what had to make room: the oldest of all destinations. */
  put(batch: Batch): readonly Evicted[];
  /** Takes the oldest batch kept for this destination, which is then nobody else's. */
  claim(): Claim | null;
  count(): number;
}

export interface Evicted {
  readonly signal: SignalName;
  readonly count: number;
  /** Kept by this very run. */
  readonly own: boolean;
}

export interface Claim {
  readonly batch: Batch;
  done(): void;
  putBack(): void;
}

export interface KeepLimits {
  readonly bytes: number;
  readonly ageMs: number;
}

export const KEEP_LIMITS: KeepLimits = { bytes: 256 * 1024 * 1024, ageMs: 24 * 3600_000 };

/** A claim of a process that cannot be asked after counts as given up after so long. */
const STALE_CLAIM_MS = 10 * 60_000;
const FILE_NAME = /^(\d{13})-(traces|metrics|logs)-(\d+)-[0-9a-f]+\.otlp$/;

/** `onExpired` hears of what was found too old to be sent. */
export function openKeep(
  stateDir: string,
  destination: OtlpDestination,
  identity: KeepIdentity,
  limits: KeepLimits = KEEP_LIMITS,
  onExpired: (count: number) => void = () => {},
): Keep {
  return openKeepOf(stateDir, labelOf(destination, identity), limits, onExpired);
}

/** What names a destination without its credentials: enough to put, and to claim, not to send. */
export interface KeepLabel {
  readonly hash: string;
  readonly endpoint: string;
  readonly protocol: string;
  readonly service: string | null;
  readonly environment: string | null;
}

export function labelOf(destination: OtlpDestination, identity: KeepIdentity): KeepLabel {
  const { serviceName: service, environment } = identity;
  return { hash: destinationHash(destination, identity), endpoint: withoutSecrets(destination.url), protocol: destination.protocol, service, environment };
}

export function openKeepOf(stateDir: string, { hash, ...label }: KeepLabel, limits: KeepLimits = KEEP_LIMITS, onExpired: (count: number) => void = () => {}): Keep {
  const root = join(stateDir, 'kept');
  const dir = join(root, hash);
  const own = new Set<string>();
  let totalBytes: number | null = null;

  return {
    put(batch) {
      makeDirectories(dir);
      const header = { version: 1, ...label, signal: batch.signal, count: batch.count, time: new Date().toISOString() };
      const head = Buffer.from(`${JSON.stringify(header)}\n`);
      const length = head.length + batch.body.length;
      const evicted = makeRoom(length);
      const name = `${Date.now()}-${batch.signal}-${batch.count}-${randomBytes(6).toString('hex')}.otlp`;
      const unfinished = join(dir, `.${name}.tmp`);
      try {
        writeNew(unfinished, [head, batch.body]);
        renameSync(unfinished, join(dir, name));
      } catch (error) {
        rmSync(unfinished, { force: true });
        throw error;
      }
      own.add(name);
      totalBytes = (totalBytes ?? 0) + length;
      return evicted;
    },
    claim() {
      for (const { name, path, age, count } of keptFiles(dir)) {
        if (age > limits.ageMs) {
          rmSync(path, { force: true });
          onExpired(count);
          continue;
        }
        const claimed = join(dir, `${name}.${claimMark()}.claim`);
        try {
          renameSync(path, claimed);
        } catch {
          continue; // somebody else was quicker
        }
        const batch = readBatch(claimed, name);
        if (batch === null) {
          rmSync(claimed, { force: true });
          continue;
        }
        return {
          batch,
          done() {
            rmSync(claimed, { force: true });
            removeWhereEmpty(dir);
          },
          putBack: () => renameSync(claimed, path),
        };
      }
      return null;
    },
    count() {
      return keptFiles(dir).reduce((sum, { count }) => sum + count, 0);
    },
  };

  /** Removes the oldest files of all destinations until `bytes` more fit. */
  function makeRoom(bytes: number): Evicted[] {
    if (totalBytes !== null && totalBytes + bytes <= limits.bytes) return [];
    const files = subdirectories(root).flatMap((sub) => keptFiles(join(root, sub)));
    files.sort((a, b) => b.age - a.age);
    totalBytes = files.reduce((sum, file) => sum + file.size, 0);
    const evicted: Evicted[] = [];
    for (const file of files) {
      if (file.age <= limits.ageMs && totalBytes + bytes <= limits.bytes) break;
      rmSync(file.path, { force: true });
      totalBytes -= file.size;
      evicted.push({ signal: file.signal, count: file.count, own: own.has(file.name) });
    }
    return evicted;
  }
}

/**
 * What makes a destination the same one: where it is, with which credentials, for which service. Credentials from a file are
 * the file's: it is there to be renewed.
 */
export function destinationHash(destination: OtlpDestination, { serviceName, environment }: KeepIdentity): string {
  const values = { ...destination.headers, ...Object.fromEntries(Object.entries(destination.headerFiles ?? {}).map(([name, path]) => [name, `@${path}`])) };
  const headers = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  const identity = JSON.stringify([destination.url, destination.signal, headers, serviceName, environment]);
  return createHash('sha256').update(identity).digest('hex').slice(0, 32);
}

interface KeptFile {
  readonly name: string;
  readonly path: string;
  readonly signal: SignalName;
  readonly count: number;
  readonly size: number;
  readonly age: number;
}

/** Oldest first. Claims that were given up are taken back into the list. */
function keptFiles(dir: string): KeptFile[] {
  const files: KeptFile[] = [];
  for (const entry of list(dir)) {
    const name = entry.endsWith('.claim') ? giveBack(dir, entry) : entry;
    const match = FILE_NAME.exec(name ?? '');
    if (name === null || match === null) continue;
    try {
      const path = join(dir, name);
      const stat = lstatSync(path);
      if (!stat.isFile()) continue;
      files.push({ name, path, signal: match[2] as SignalName, count: Number(match[3]), size: stat.size, age: Date.now() - Number(match[1]) });
    } catch {
      continue; // claimed or removed meanwhile
    }
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The name of a file whose claimer has ended, after giving it its old name back; else null. */
function giveBack(dir: string, entry: string): string | null {
  const match = /^(.*\.otlp)\.(\d+)-(\w+)-([0-9a-f]{8})\.claim$/.exec(entry);
  if (match === null) return null;
  const [, name, pid, start, place] = match as unknown as [string, string, string, string, string];
  try {
    const here = { pidNamespace: pidNamespace(), boot: bootId() };
    const canAsk = place === placeMark(here);
    const lives = canAsk ? ownerLives({ pid: Number(pid), thread: 0, start: start === 'x' ? null : start, ...here }, here) : Date.now() - lstatSync(join(dir, entry)).ctimeMs < STALE_CLAIM_MS;
    if (lives) return null;
    renameSync(join(dir, entry), join(dir, name));
    return name;
  } catch {
    return null;
  }
}

function claimMark(): string {
  return `${process.pid}-${startTicks('self') ?? 'x'}-${placeMark({ pidNamespace: pidNamespace(), boot: bootId() })}`;
}

function placeMark(here: { pidNamespace: string | null; boot: string | null }): string {
  return createHash('sha256').update(JSON.stringify([here.pidNamespace, here.boot])).digest('hex').slice(0, 8);
}

function writeNew(path: string, pieces: readonly Buffer[]): void {
  const fd = openSync(path, 'wx', 0o600);
  try {
    for (const piece of pieces) for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
  } finally {
    closeSync(fd);
  }
}

function readBatch(path: string, name: string): Batch | null {
  const match = FILE_NAME.exec(name);
  if (match === null) return null;
  try {
    const bytes = readFileSync(path);
    const end = bytes.indexOf(0x0a);
    if (end < 0 || (JSON.parse(bytes.toString('utf8', 0, end)) as { version?: unknown }).version !== 1) return null;
    return { signal: match[2] as SignalName, count: Number(match[3]), body: bytes.subarray(end + 1) };
  } catch {
    return null;
  }
}

function subdirectories(dir: string): string[] {
  return list(dir).filter((name) => /^[0-9a-f]{32}$/.test(name));
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function removeWhereEmpty(dir: string): void {
  try {
    rmdirSync(dir);
  } catch {
    // Holds more.
  }
}

/** An address for people and files: no user, password, query or fragment. */
export function withoutSecrets(url: string): string {
  try {
    const parsed = new URL(url);
    return `${parsed.protocol}//${parsed.host}${parsed.pathname === '/' ? '' : parsed.pathname}`;
  } catch {
    return 'an invalid address';
  }
}
