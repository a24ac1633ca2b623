import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Why nothing can be written to `dir`, which is made where it is not there yet; null where it can, as far as can be told without trying. */
export function whyNotWritable(dir: string): string | null {
  for (let at = dir; ; at = dirname(at)) {
    try {
      const isDirectory = statSync(at).isDirectory();
      if (isDirectory) accessSync(at, constants.W_OK | constants.X_OK);
      return isDirectory ? null : inWords(dir, at, 'ENOTDIR');
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      if ((code !== 'ENOENT' && code !== 'ENOTDIR') || at === dirname(at)) return inWords(dir, at, code);
    }
  }
}

function inWords(dir: string, at: string, code: string): string {
  return `${dir} cannot be ${at === dir ? 'written' : 'made'} (${code})`;
}
