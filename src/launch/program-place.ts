/**
 * Where the agent and the exporter are loaded from. NODE_OPTIONS names the agent's file, and Node does not start where that
 * file is missing or cannot be read: it must outlive an `npm ci` inside the run, and a change of the user.
 */
import { accessSync, chmodSync, constants, copyFileSync, existsSync, lstatSync, readFileSync, readdirSync, realpathSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makeDirectory } from '../spool/make-directory.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** `contents.json` of what is built. */
interface Contents {
  /** Version and hash of all files. */
  readonly key: string;
  /** Sizes by relative path. */
  readonly files: Readonly<Record<string, number>>;
}

const DAY_MS = 86_400_000;
const UNUSED_MS = 30 * DAY_MS;

/**
 * The directory of both: the installed one, or that of the copy which {@link copyProgram} makes where the run may delete
 * the installed one (it is among a project's packages), or where we are root and another user could not read it. `spare` is
 * a directory of this user's that will be there, for want of a better place. Makes nothing.
 */
export function findProgramPlace(installed: string, env: Env, spare: string | null): string {
  try {
    if (!isInProject(installed) && !(isRoot() && !isReadableByAll(installed))) return installed;
    const { key } = readContents(installed);
    const cache = cacheDir(env);
    if (cache !== null && canHold(cache)) return join(realpathSync(nearest(cache)), cache.slice(nearest(cache).length), key);
    return spare === null ? installed : join(spare, key);
  } catch {
    return installed;
  }
}

/** Makes the copy, or what is missing of it. Throws where that cannot be done. */
export function copyProgram(installed: string, place: string): void {
  if (place === installed) return;
  const { files } = readContents(installed);
  const cache = dirname(place);
  makeDirectory(dirname(cache));
  for (const dir of [cache, place]) {
    makeDirectory(dir, 0o755);
    if (!isOnlyOurs(dir)) throw new Error(`${dir} can be written by others`);
  }
  for (const dir of subdirectories(files, place)) if (existsSync(dir) && !isOnlyOurs(dir)) throw new Error(`${dir} can be written by others`);
  const missing = Object.entries(files).filter(([file, size]) => !isWhole(join(place, file), size));
  for (const dir of new Set(missing.map(([file]) => dirname(file)))) if (dir !== '.') makeDirectory(join(place, dir), 0o755);
  for (const [file] of missing) copyWhole(join(installed, file), join(place, file));
  if (missing.length === 0) noteUse(place);
  else removeUnused(cache, place);
}

function subdirectories(files: Contents['files'], place: string): Set<string> {
  return new Set(Object.keys(files).map((file) => join(place, dirname(file))));
}

/** Inside `node_modules` of a directory that has a package.json: a global installation has none there. */
function isInProject(dir: string): boolean {
  const at = dir.indexOf('/node_modules/');
  return at >= 0 && existsSync(join(dir.slice(0, at), 'package.json'));
}

function isReadableByAll(dir: string): boolean {
  if ((statSync(join(dir, 'agent', 'register.js')).mode & 0o004) === 0) return false;
  for (let at = join(dir, 'agent'); ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/** Of root it must be readable by all, and HOME may be somebody else's. */
function cacheDir({ XDG_CACHE_HOME = '', HOME = '' }: Env): string | null {
  if (isRoot()) return '/var/cache/otel-run';
  if (XDG_CACHE_HOME.startsWith('/')) return join(XDG_CACHE_HOME, 'otel-run');
  return HOME.startsWith('/') ? join(HOME, '.cache', 'otel-run') : null;
}

function canHold(cache: string): boolean {
  try {
    const dir = nearest(cache);
    accessSync(dir, constants.W_OK | constants.X_OK);
    return (dir !== cache || isOnlyOurs(cache)) && !canBeSwapped(dir);
  } catch {
    return false;
  }
}

/** Whether somebody else could put a directory of his own in the place of this one, or of one that it is in. */
function canBeSwapped(dir: string): boolean {
  for (let at = dirname(realpathSync(dir)); ; at = dirname(at)) {
    const { uid, mode } = statSync(at);
    if (process.geteuid !== undefined && uid !== 0 && uid !== process.geteuid()) return true;
    if ((mode & 0o002) !== 0 && (mode & 0o1000) === 0) return true;
    if (at === dirname(at)) return false;
  }
}

/** The cache itself, or what is there above it, two steps at most: no home is made for a user who has none. */
function nearest(cache: string): string {
  return [cache, dirname(cache)].find((dir) => existsSync(dir)) ?? dirname(dirname(cache));
}

function isOnlyOurs(path: string, stat = lstatSync(path)): boolean {
  return !stat.isSymbolicLink() && (process.geteuid === undefined || stat.uid === process.geteuid()) && (stat.mode & 0o022) === 0;
}

function isWhole(file: string, size: number): boolean {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  return stat !== undefined && stat.size === size && isOnlyOurs(file, stat);
}

/** In place at once: another otel-run may do the same now, and a process may load it. */
function copyWhole(from: string, to: string): void {
  const part = `${to}.${process.pid}`;
  copyFileSync(from, part);
  chmodSync(part, 0o644);
  renameSync(part, to);
}

function noteUse(place: string): void {
  const now = new Date();
  if (now.getTime() - statSync(place).mtimeMs > DAY_MS) utimesSync(place, now, now);
}

/** Copies of other versions that nobody has started with for a month, and no process that we see was told of. */
function removeUnused(cache: string, kept: string): void {
  const old = readdirSync(cache).filter((name) => /^\d[\w.+-]+$/.test(name) && name !== basename(kept) && Date.now() - statSync(join(cache, name)).mtimeMs > UNUSED_MS);
  if (old.length === 0) return;
  const environments = readEnvironments();
  if (environments === null) return;
  for (const name of old) {
    const dir = join(cache, name);
    if (!environments.some((text) => text.includes(dir))) rmSync(dir, { recursive: true, force: true });
  }
}

/** Null where it is unknown. Of root's processes any may have become another user's; of another user's they stay that user's. */
function readEnvironments(): string[] | null {
  const found: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      found.push(readFileSync(`/proc/${pid}/environ`, 'latin1'));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (isRoot() && code !== 'ENOENT' && code !== 'ESRCH') return null;
    }
  }
  return found;
}

function readContents(installed: string): Contents {
  return JSON.parse(readFileSync(join(installed, 'contents.json'), 'utf8')) as Contents;
}

function isRoot(): boolean {
  return process.geteuid?.() === 0;
}
