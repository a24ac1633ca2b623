import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, fstatSync, lstatSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { SignalName } from '../plan/types.ts';
import { FrameType, MAX_PAYLOAD_BYTES, Signal, encodeFrame } from '../spool/frame.ts';
import { belongsToUs, isPlain, readPlainFile } from '../spool/plain-file.ts';
import { scanFrames } from '../spool/scan.ts';
import { makeDirectories } from '../spool/make-directory.ts';
import { isOwnDirectory } from './kept-files.ts';
import type { Batch, Exporter } from './types.ts';

export interface StoreOptions {
  readonly dir: string;
  /** Bound on all files of the directory together. */
  readonly capBytes: number;
}

/**
 * Keeps requests on this machine, to look at. Each exporter appends to files of its own (frames as in the spool, a whole request
 * each), so several may write and others read at once; the oldest file makes room for the newest.
 */
export function createStoreExporter({ dir, capBytes }: StoreOptions): Exporter {
  const fileBytes = Math.max(1, Math.floor(capBytes / FILES));
  let file: { readonly fd: number; written: number } | null = null;
  let sinceTrim = Infinity;

  return {
    name: 'local store',
    async export(batch) {
      const frame = frameOf(batch);
      if (batch.body.length > MAX_PAYLOAD_BYTES || frame.length > capBytes / 2) return { kind: 'too-large', reason: `more than the local store of ${capBytes} bytes holds` };
      try {
        append(frame);
        return { kind: 'delivered', rejected: 0 };
      } catch (error) {
        leave();
        return { kind: 'refused', reason: `local store ${dir}: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}` };
      }
    },
    async close() {
      leave();
    },
  };

  function append(frame: Buffer): void {
    if (file !== null && (file.written + frame.length > fileBytes || fstatSync(file.fd).nlink === 0)) leave();
    // Others add meanwhile: what is left free between two looks is shared with them.
    if (file === null || sinceTrim + frame.length > fileBytes / 4) {
      makeDirectories(dir);
      if (!isOwnDirectory(dir)) throw new Error("a link, or somebody else's directory");
      trim(dir, Math.max(0, capBytes - 4 * fileBytes - frame.length));
      sinceTrim = 0;
    }
    file ??= { fd: create(dir), written: 0 };
    for (let at = 0; at < frame.length; ) at += writeSync(file.fd, frame, at);
    file.written += frame.length;
    sinceTrim += frame.length;
  }

  function leave(): void {
    if (file !== null) closeSync(file.fd);
    file = null;
  }
}

export interface StoredRequest {
  readonly signal: SignalName;
  /** OTLP protobuf export request. */
  readonly body: Buffer;
}

/** The requests in the store, oldest file first. Files that vanish meanwhile and frames that are still being written are passed over. */
export function* readStore(dir: string): Generator<StoredRequest> {
  for (const name of storeFiles(dir)) {
    let bytes: Buffer;
    try {
      bytes = readPlainFile(join(dir, name), { most: MOST_FILE_BYTES, isOurs: true });
    } catch {
      continue;
    }
    for (const { type, signal, payload } of scanFrames(bytes, false).frames) {
      const named = signalNames[signal];
      if (type === FrameType.items && named !== undefined) yield { signal: named, body: payload };
    }
  }
}

/** Removes all of it. An exporter that is adding to a file makes another one. */
export function clearStore(dir: string): { readonly files: number; readonly bytes: number } {
  let [files, bytes] = [0, 0];
  for (const name of storeFiles(dir)) {
    const path = join(dir, name);
    const size = sizeOf(path);
    rmSync(path, { force: true });
    files++;
    bytes += size;
  }
  return { files, bytes };
}

/** The share of one file, so that the oldest can go piece by piece. */
const FILES = 32;
/** A short run leaves a small file: many of them are slow to list. */
const MAX_FILES = 500;
const SUFFIX = '.requests';
const NAME = /^\d{15}-\d+-\d{6}-[0-9a-f]{8}\.requests$/;
/** Larger than a file of ours gets, which one frame may fill beyond its share. */
const MOST_FILE_BYTES = 2 * MAX_PAYLOAD_BYTES;
const signalNames: Readonly<Record<number, SignalName>> = { [Signal.traces]: 'traces', [Signal.metrics]: 'metrics', [Signal.logs]: 'logs' };

function frameOf({ signal, count, body }: Batch): Buffer {
  return encodeFrame({ type: FrameType.items, signal: Signal[signal], count, payload: body });
}

let filesMade = 0;

/** A name that sorts by time and is nobody else's. */
function create(dir: string): number {
  chmodSync(dir, 0o700);
  const time = String(Date.now()).padStart(15, '0');
  const name = `${time}-${process.pid}-${String(filesMade++).padStart(6, '0')}-${randomBytes(4).toString('hex')}${SUFFIX}`;
  return openSync(join(dir, name), 'ax', 0o600);
}

/** Removes the oldest files until no more than `bytes`, and no more than MAX_FILES, are left. */
function trim(dir: string, bytes: number): void {
  const files = storeFiles(dir).map((name) => ({ path: join(dir, name), size: sizeOf(join(dir, name)) }));
  let total = files.reduce((sum, { size }) => sum + size, 0);
  for (const [at, { path, size }] of files.entries()) {
    if (total <= bytes && files.length - at < MAX_FILES) return;
    rmSync(path, { force: true });
    total -= size;
  }
}

function storeFiles(dir: string): string[] {
  try {
    if (!isOwnDirectory(dir)) return [];
    return readdirSync(dir).filter((name) => NAME.test(name)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** What is no file of ours takes no room from those that are. */
function sizeOf(path: string): number {
  try {
    const stat = lstatSync(path);
    return isPlain(stat) && belongsToUs(stat) ? stat.size : 0;
  } catch {
    return 0;
  }
}
