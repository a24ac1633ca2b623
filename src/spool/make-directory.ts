/**
 * Directories, one step at a time. Not by `recursive`: Node then tries for ever where a file system refuses with ENOENT
 * (/proc, a removed working directory).
 */
import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes the directory where it is not there yet, with this mode whatever the umask. False where its parent is missing. */
export function makeDirectory(dir: string, mode = 0o700): boolean {
  try {
    mkdirSync(dir, { mode: 0o700 });
    if (mode !== 0o700) chmodSync(dir, mode);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return true;
    if (code === 'ENOENT') return false;
    throw error;
  }
}

/** Makes the directory (0700) and what is missing above it. */
export function makeDirectories(dir: string): void {
  if (makeDirectory(dir)) return;
  const parent = dirname(dir);
  if (parent !== dir) makeDirectories(parent);
  mkdirSync(dir, { mode: 0o700 });
}
