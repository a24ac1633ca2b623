/**
 * Telemetry that could not be delivered, in `<stateDir>/kept/<destination>/`: one export request a file, behind a line of
 * JSON that says whose it is. The destination is a hash over endpoint, credentials, service and environment: only a run with
 * the same one sends it.
 */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, lstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { OtlpDestination, SignalName } from '../plan/types.ts';
import { makeDirectories } from '../spool/make-directory.ts';
import { KEEP_LIMITS, isExpired, isOwnDirectory, keptFolders, keptRoot, listKept, look, readKept, removeFile, removeWhereEmpty, takeFile, type KeepLimits, type KeptHeader } from './kept-files.ts';
import type { Batch } from './types.ts';

export type { KeepLimits } from './kept-files.ts';

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
  /** For the one process that sends in the background, see {@link SendLock}. */
  readonly lockFile: string;
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

/** Hears of what will never be sent. */
export type OnLost = (count: number, why: string) => void;

export function openKeep(
  stateDir: string,
  destination: OtlpDestination,
  identity: KeepIdentity,
  limits: KeepLimits = KEEP_LIMITS,
  onLost: OnLost = () => {},
): Keep {
  return openKeepOf(stateDir, labelOf(destination, identity), limits, onLost);
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

/** Below this share of the bound, what others have put meanwhile is looked at once a second only. */
const NEAR = 0.5;
const LOOK_MS = 1000;
const ATTEMPTS = 100;

export function openKeepOf(stateDir: string, { hash, ...label }: KeepLabel, limits: KeepLimits = KEEP_LIMITS, onLost: OnLost = () => {}): Keep {
  const dir = join(keptRoot(stateDir), hash);
  const own = new Set<string>();
  let total = { bytes: Infinity, at: -Infinity };

  return {
    put(batch) {
      const header: KeptHeader = { version: 1, ...label, signal: batch.signal, count: batch.count, time: new Date().toISOString() };
      const head = Buffer.from(`${JSON.stringify(header)}\n`);
      const length = head.length + batch.body.length;
      const evicted = makeRoom(length);
      const name = `${Date.now()}-${batch.signal}-${batch.count}-${randomBytes(6).toString('hex')}.otlp`;
      for (let attempt = 1; ; attempt++) {
        try {
          write(name, [head, batch.body]);
          break;
        } catch (error) {
          // Whoever has sent the last of what is kept removes the folder, at any moment.
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === ATTEMPTS) throw error;
        }
      }
      own.add(name);
      total.bytes += length;
      // Where several put at the same time, each has made room for itself alone.
      return total.bytes > NEAR * limits.bytes ? [...evicted, ...makeRoom(0)] : evicted;
    },
    claim() {
      for (const file of listKept(dir)) {
        if (isExpired(file, limits)) {
          if (removeFile(file)) onLost(file.count, 'too old');
          continue;
        }
        const claimed = takeFile(file);
        if (claimed === null) continue;
        const body = readKept(claimed);
        if (body === null) {
          if (removeFile({ path: claimed })) onLost(file.count, 'the file cannot be read');
          continue;
        }
        return {
          batch: { signal: file.signal, count: file.count, body },
          done() {
            rmSync(claimed, { force: true });
            removeWhereEmpty(dir);
          },
          putBack: () => renameSync(claimed, file.path),
        };
      }
      return null;
    },
    lockFile: `${dir}.lock`,
    count() {
      return listKept(dir).reduce((sum, { count }) => sum + count, 0);
    },
  };

  function write(name: string, chunks: readonly Buffer[]): void {
    for (const own of [keptRoot(stateDir), dir]) {
      makeDirectories(own);
      if (isOwnDirectory(own)) continue;
      lstatSync(own); // it may be gone again
      throw new Error(`${own} is a link, or somebody else's`);
    }
    const unfinished = join(dir, `.${name}.tmp`);
    try {
      writeNew(unfinished, chunks);
      renameSync(unfinished, join(dir, name));
    } catch (error) {
      rmSync(unfinished, { force: true });
      throw error;
    }
  }

  /** Removes the oldest files of all destinations until `bytes` more fit. */
  function makeRoom(bytes: number): Evicted[] {
    if (total.bytes + bytes <= NEAR * limits.bytes && performance.now() - total.at < LOOK_MS) return [];
    const folders = keptFolders(stateDir).map(look);
    const files = folders.flatMap(({ kept }) => kept).sort((a, b) => b.age - a.age);
    total = { bytes: folders.reduce((sum, folder) => sum + folder.bytes, 0), at: performance.now() };
    const evicted: Evicted[] = [];
    for (const file of files) {
      if (!isExpired(file, limits) && total.bytes + bytes <= limits.bytes) continue;
      total.bytes -= file.size;
      if (removeFile(file)) evicted.push({ signal: file.signal, count: file.count, own: own.has(file.name) });
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

function writeNew(path: string, pieces: readonly Buffer[]): void {
  const fd = openSync(path, 'wx', 0o600);
  try {
    for (const piece of pieces) for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
  } finally {
    closeSync(fd);
  }
}

/** For messages. */
export function nameDestination({ name, url }: Pick<OtlpDestination, 'name' | 'url'>): string {
  return `${withoutSecrets(url)}${name === undefined ? '' : ` (${name})`}`;
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
