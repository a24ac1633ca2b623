import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, type Stats } from 'node:fs';

export interface PlainFileLimits {
  /** A larger file is none of ours. */
  readonly most: number;
  /** Reads no more than `most` of a larger one. */
  readonly isHeadEnough?: boolean;
  /** Where others may write beside us: what another user than we (or root) has put there is not read. */
  readonly isOurs?: boolean;
}

/**
 * Reads a file in a place where somebody else may have put, or broken, what is there: waits for no pipe, follows no link,
 * reads no file with a second name, and no more than was there when it was opened. Throws where there is no such file.
 */
export function readPlainFile(path: string, { most, isHeadEnough = false, isOurs = false }: PlainFileLimits): Buffer {
  const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants as { O_NOFOLLOW?: number; O_NONBLOCK?: number };
  const fd = openSync(path, constants.O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!isPlain(stat)) throw new Error('no plain file');
    if (isOurs && !belongsToUs(stat)) throw new Error('a file of somebody else');
    if (stat.size > most && !isHeadEnough) throw new Error('too large');
    const bytes = Buffer.allocUnsafeSlow(Math.min(stat.size, most));
    let length = 0;
    while (length < bytes.length) {
      const got = readSync(fd, bytes, length, bytes.length - length, length);
      if (got === 0) break;
      length += got;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

/** Reads a file that is found, or named, by its place: through links, but waiting for no pipe, and no more than `most`. */
export function readFoundFile(path: string, most = 16 * 1024 * 1024): Buffer {
  const fd = openSync(path, constants.O_RDONLY | ((constants as { O_NONBLOCK?: number }).O_NONBLOCK ?? 0));
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new Error(`${path} is no file`);
    if (stat.size > most) throw new Error(`${path} is too large`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A second name may be that of a file elsewhere. */
export function isPlain(stat: Pick<Stats, 'isFile' | 'nlink'>): boolean {
  return stat.isFile() && stat.nlink <= 1;
}

/**
 * Root may read what it is given to look at. What a group of ours may write counts as ours: a volume is given to a group
 * (fsGroup of Kubernetes), and the container's user may be another one today.
 */
export function belongsToUs({ uid, gid, mode }: Pick<Stats, 'uid' | 'gid' | 'mode'>): boolean {
  const mine = process.geteuid?.();
  if (mine === undefined || mine === 0 || uid === mine || uid === 0) return true;
  return (mode & 0o020) !== 0 && (gid === process.getegid?.() || process.getgroups?.().includes(gid) === true);
}
