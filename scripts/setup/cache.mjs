import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Where downloads and builds of the tests are kept: outside the work tree, so that a fresh clone finds them.
 * People set OTEL_RUN_DEV_CACHE; `npm test` hands it on to the tests as TEST_CACHE_DIR.
 */
export function cacheDir() {
  return process.env.OTEL_RUN_DEV_CACHE || process.env.TEST_CACHE_DIR || path.join(os.homedir(), '.cache', 'otel-run-dev');
}

/** A short key of the contents of files and of further words (platform, versions). */
export function hashOf(files, ...words) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file)).update('\0');
  for (const word of words) hash.update(word).update('\0');
  return hash.digest('hex').slice(0, 16);
}

/**
 * The folder `name` of the cache. Where it is missing, `make(folder)` fills a
 * folder beside it, which then takes the name: a folder that has the name is whole.
 */
export async function ensureCached(name, make) {
  const target = path.join(cacheDir(), name);
  if (existsSync(target)) return target;
  return holdLock(name, async () => {
    if (existsSync(target)) return target;
    const draft = mkdtempSync(`${target}.draft-`);
    try {
      await make(draft);
      renameSync(draft, target);
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
    return target;
  });
}

/** Runs `work` while no other process of this user works under the same name. */
export async function holdLock(name, work) {
  mkdirSync(cacheDir(), { recursive: true });
  const lock = path.join(cacheDir(), `${name}.lock`);
  while (!takeLock(lock)) await delay(200);
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

// Two waiters may both find the same dead owner and both go on. They then do
// the work twice, each in a folder of its own, and the last rename fails aloud.
function takeLock(lock) {
  const claim = `${lock}.${process.pid}`;
  writeFileSync(claim, String(process.pid));
  try {
    linkSync(claim, lock); // a link appears with its contents, a new file would be empty for a moment
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(claim, { force: true });
  }
  if (!isHeld(lock)) rmSync(lock, { force: true });
  return false;
}

const LONGEST_WORK_MS = 30 * 60_000;

function isHeld(lock) {
  try {
    if (Date.now() - statSync(lock).mtimeMs > LONGEST_WORK_MS) return false;
    process.kill(Number(readFileSync(lock, 'utf8')), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
