import { dirname, join, resolve } from 'node:path';
import { readFoundFile } from '../spool/plain-file.ts';

/** The nearest package.json at or above a directory, parsed, or null. One that cannot be read counts as none. */
export function findManifest(from: string): unknown {
  for (let dir = resolve(from); ; dir = dirname(dir)) {
    try {
      return JSON.parse(readFoundFile(join(dir, 'package.json')).toString('utf8')) as unknown;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ENOTDIR') return null;
    }
    if (dir === dirname(dir)) return null;
  }
}
