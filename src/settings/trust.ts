/** Whether a config file that was found says what this user wants: it names where telemetry, and the backend's credentials, go. */
import { accessSync, constants, lstatSync, readFileSync, realpathSync, statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { quotePath } from './origin.ts';
import type { Env } from './types.ts';

/** Who may write what we read. */
export interface Us {
  /** This user, root, and who has become root by `sudo`. */
  readonly uids: readonly number[];
  /** All of them are this user's, or the image's: files of other owners are normal, by volumes and `USER`. */
  readonly inContainer: boolean;
}

export interface OpenDoor {
  /** In half a sentence. */
  readonly fault: string;
  readonly remedy: string;
  /** Anybody may write it, not some group or owner alone. */
  readonly toAll: boolean;
}

export function findUs(env: Env, inContainer: boolean): Us {
  const mine = process.geteuid?.();
  const before = mine === 0 && /^\d+$/.test(env.SUDO_UID ?? '') ? [Number(env.SUDO_UID)] : [];
  return { uids: mine === undefined ? [] : [...new Set([mine, 0, ...before])], inContainer };
}

/**
 * What lets somebody else put words into a file: the file, a link to it or a folder that holds one of them, or null. Above
 * these folders nothing is asked: whoever could exchange one of them there would leave his own.
 */
export function findOpenDoor(path: string, folder: string, us: Us): OpenDoor | null {
  if (us.uids.length === 0) return null; // Windows
  const target = attempt(() => realpathSync(path)) ?? path;
  const file = inspect(target);
  const link = attempt(() => lstatSync(path));
  const owners = [file, link].map((stat) => stat?.uid ?? us.uids[0]!);
  const doors = [
    file === null ? null : judge(target, file, us),
    link === null || !link.isSymbolicLink() ? null : judgeOwner(path, link, us),
    ...[...new Set([dirname(path), folder, dirname(target)])].map((dir) => {
      const stat = inspect(dir);
      return stat === null ? null : judgeFolder(dir, stat, owners, us);
    }),
  ];
  return doors.find((door) => door !== null) ?? null;
}

/** In a sticky folder (/tmp) others cannot replace a file, but may have made it. */
function judgeFolder(dir: string, stat: Stats, owners: readonly number[], us: Us): OpenDoor | null {
  const isKeptByOwners = (stat.mode & 0o1000) !== 0 && owners.every((uid) => us.uids.includes(uid));
  return isKeptByOwners ? judgeOwner(dir, stat, us) : judge(dir, stat, us);
}

function judge(path: string, stat: Stats, us: Us): OpenDoor | null {
  if ((stat.mode & 0o022) !== 0 && !isReadOnly(path)) {
    if ((stat.mode & 0o002) !== 0) return { fault: `others may write ${quotePath(path)}`, remedy: `chmod o-w ${quotePath(path)}`, toAll: true };
    if ((stat.mode & 0o020) !== 0 && !us.inContainer && !isPrivateGroup(stat.gid, us.uids, readAccounts())) {
      return { fault: `others of its group (${stat.gid}) may write ${quotePath(path)}`, remedy: `chmod g-w ${quotePath(path)}`, toAll: false };
    }
  }
  return judgeOwner(path, stat, us);
}

function judgeOwner(path: string, { uid }: Stats, us: Us): OpenDoor | null {
  if (us.inContainer || us.uids.includes(uid) || isReadOnly(path)) return null;
  return { fault: `${quotePath(path)} belongs to another user (${uid})`, remedy: 'make it your own', toAll: false };
}

export interface Accounts {
  /** Text of /etc/passwd and /etc/group. */
  readonly passwd: string;
  readonly group: string;
}

/**
 * A group that is one user's own, as Linux makes it with the user (umask 002 relies on it): it has his number or name, and
 * nobody else is in it. Root's has root alone.
 */
export function isPrivateGroup(gid: number, uids: readonly number[], { passwd, group }: Accounts): boolean {
  if (gid === 0) return true;
  const users = passwd.split('\n').map((line) => line.split(':')).filter((fields) => fields.length >= 4);
  const names = users.filter(([, , uid]) => uids.includes(Number(uid))).map(([name]) => name!);
  const lines = group.split('\n').map((line) => line.split(':')).filter(([, , number]) => number === String(gid));
  if (!uids.includes(gid) && !lines.some(([name]) => names.includes(name!))) return false;
  const members = lines.flatMap(([, , , listed = '']) => listed.split(',')).map((name) => name.trim()).filter((name) => name !== '');
  return members.every((name) => names.includes(name) || name === 'root') && users.every(([, , uid, primary]) => primary !== String(gid) || uids.includes(Number(uid)));
}

function readAccounts(): Accounts {
  const read = (path: string): string => attempt(() => readFileSync(path, 'utf8')) ?? '';
  return { passwd: read('/etc/passwd'), group: read('/etc/group') };
}

/** Modes say nothing where nobody writes: a mount of a container, a medium. */
function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EROFS';
  }
}

function inspect(path: string): Stats | null {
  return attempt(() => statSync(path));
}

function attempt<T>(action: () => T): T | null {
  try {
    return action();
  } catch {
    return null;
  }
}
