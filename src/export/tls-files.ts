import { readFileSync, statSync } from 'node:fs';
import type { OtlpDestination } from '../plan/types.ts';

export interface TlsFiles {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

const LOOK_AGAIN_MS = 5000;

/**
 * The PEM files of a destination, read again when one has changed: certificates are renewed while applications run.
 * The returned function answers the same object as long as nothing has changed, and throws where a file cannot be read.
 */
export function followTlsFiles({ tls }: OtlpDestination): () => TlsFiles {
  const named = Object.entries(tls).filter((entry): entry is [keyof TlsFiles, string] => typeof entry[1] === 'string' && entry[1] !== '');
  let files: TlsFiles | null = named.length === 0 ? {} : null;
  let stamp = '';
  let lookedAt = 0;
  return () => {
    if (files !== null && (named.length === 0 || Date.now() - lookedAt < LOOK_AGAIN_MS)) return files;
    const now = named.map(([, path]) => stampOf(path)).join(' ');
    if (files === null || now !== stamp) files = Object.fromEntries(named.map(([name, path]) => [name, readFileSync(path)]));
    stamp = now;
    lookedAt = Date.now();
    return files;
  };
}

function stampOf(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path);
    return `${mtimeMs}:${size}:${ino}`;
  } catch {
    return 'missing';
  }
}
