/** Files that a destination names: certificates, keys and tokens are renewed while applications run. */
import { statSync } from 'node:fs';
import type { OtlpDestination } from '../plan/types.ts';
import { readFoundFile } from '../spool/plain-file.ts';

export interface TlsFiles {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** What files hold now. */
export interface Followed<T> {
  /** The same object as long as nothing has changed. Throws where a file has never been readable. */
  current(): T;
  /** Looks at once. */
  lookAgain(): void;
  /** Looks at once: what was sent with `used` has not been accepted. Answers whether there is something else now. */
  hasChangedSince(used: T): boolean;
}

const LOOK_AGAIN_MS = 5000;
const MOST_BYTES = 4 * 1024 * 1024;

/** The PEM files of a destination. */
export function followTlsFiles({ tls }: OtlpDestination): Followed<TlsFiles> {
  return followFiles(tls, (files): TlsFiles => files, {});
}

/** The headers of a destination, those from files as these hold them now. A file that cannot be read any more leaves its last value. */
export function followHeaders({ headers, headerFiles = {} }: OtlpDestination): Followed<Readonly<Record<string, string>>> {
  return followFiles(
    headerFiles,
    (files) => {
      const renewed = Object.entries(files).map(([name, bytes]) => [name, bytes.toString('utf8').trim()] as const);
      return { ...headers, ...Object.fromEntries(renewed.filter(([, value]) => /^[\t\x20-\x7e\x80-\xff]+$/.test(value))) };
    },
    headers,
  );
}

/** `fallback` stands for files that were readable when the run began, and are not yet, or any more. */
function followFiles<T>(paths: Readonly<Record<string, string | undefined>>, make: (files: Readonly<Record<string, Buffer>>) => T, fallback: T): Followed<T> {
  const named = Object.entries(paths).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '');
  let value: T | null = named.length === 0 ? fallback : null;
  let stamp = '';
  let lookedAt = -Infinity;
  return {
    current() {
      if (value === null || performance.now() - lookedAt >= LOOK_AGAIN_MS) look();
      return value!;
    },
    lookAgain,
    hasChangedSince(used) {
      lookAgain();
      return value !== used;
    },
  };

  function lookAgain(): void {
    try {
      look();
    } catch {
      // Never readable yet.
    }
  }

  function look(): void {
    if (named.length === 0) return;
    lookedAt = performance.now();
    const now = named.map(([, path]) => stampOf(path)).join(' ');
    if (value !== null && now === stamp) return;
    try {
      value = make(Object.fromEntries(named.map(([name, path]) => [name, readFoundFile(path, MOST_BYTES)])));
      stamp = now;
    } catch (error) {
      // In the middle of a renewal: what was read before holds.
      if (value === null) throw error;
    }
  }
}

function stampOf(path: string): string {
  try {
    const { mtimeMs, ctimeMs, size, ino } = statSync(path);
    return `${mtimeMs}:${ctimeMs}:${size}:${ino}`;
  } catch {
    return 'missing';
  }
}
