import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a directory (0700) and what is missing above it. Not by `recursive`: Node then tries for ever where a file system
 * refuses with ENOENT (/proc, a removed working directory).
 */
export function makeDirectories(dir: string): void {
  if (tryMake(dir)) return;
  const parent = dirname(dir);
  if (parent !== dir) makeDirectories(parent);
  mkdirSync(dir, { mode: 0o700 });
}

/** False where its parent is missing. */
function tryMake(dir: string): boolean {
  try {
    mkdirSync(dir, { mode: 0o700 });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return true;
    if (code === 'ENOENT') return false;
    throw error;
  }
}
