import { readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { whyNotLasting } from '../plan/lasting-place.ts';

/** Why what this container writes to `dir`, which may not be there yet, will be gone with it; null where it will not, or nobody can tell. */
export function whyContainerForgets(dir: string): string | null {
  try {
    return whyNotLasting(resolveExisting(dir), readFileSync('/proc/self/mountinfo', 'utf8'));
  } catch {
    return null;
  }
}

/** With the links of what is there resolved. */
function resolveExisting(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : `${resolveExisting(parent)}${path.slice(parent.length)}`;
  }
}
