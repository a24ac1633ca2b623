/**
 * The directory of a run's spool. The exporter's own files are in it; the segments are too, or, where the launcher is
 * root, in a directory inside that processes of any user can write: an entry point may change the user (gosu, su-exec,
 * setpriv), and so may the application itself.
 */
import { lstatSync, mkdirSync, readdirSync, rmSync, rmdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { makeDirectory } from './make-directory.ts';

export const SHARED_HAND_OFF = 'hand-off';

/** Segments of a run by their paths relative to `dir`. One that cannot be listed has none: it is gone, or not made yet. */
export function listSegments(dir: string): string[] {
  return [...segmentsIn(dir), ...segmentsIn(join(dir, SHARED_HAND_OFF)).map((name) => join(SHARED_HAND_OFF, name))];
}

/** Removes a spool that holds no telemetry; one that does is left for the exporter that will find it. */
export function removeSpool(dir: string): void {
  if (listSegments(dir).length > 0) return;
  try {
    rmSync(dir, { recursive: true, force: true });
    // Made for this run alone, where somebody else had taken the name of the user's directory.
    if (dirname(dir).endsWith(`-${basename(dir)}`)) rmdirSync(dirname(dir));
  } catch {
    // Left behind: an empty directory in the memory file system.
  }
}

/** Bytes of all segments in `dir`. A file that vanishes meanwhile was acknowledged. */
export function spoolBytes(dir: string): number {
  let sum = 0;
  for (const name of segmentsIn(dir)) {
    try {
      sum += statSync(join(dir, name)).size;
    } catch {
      continue;
    }
  }
  return sum;
}

/**
 * Makes the directory that segments are written to where it has been removed, and those of ours above it: at a user's last
 * logout systemd removes what that user has in /dev/shm.
 */
export function makeHandOffDirectory(dir: string): void {
  if (makeDirectory(dir)) return;
  const ours = dirname(dir);
  if (!isOtelRuns(ours) && !isOtelRuns(dirname(ours))) return void mkdirSync(dir, { mode: 0o700 });
  if (isOtelRuns(ours)) makeParent(ours);
  else {
    makeParent(dirname(ours));
    makeDirectory(ours);
  }
  makeDirectory(dir);
}

/** The directory that holds all runs of this user: nobody makes that of another one, who would write into it. */
function isOtelRuns(dir: string): boolean {
  return new RegExp(`^otel-run-${process.geteuid?.() ?? 0}(-|$)`).test(basename(dir));
}

/** Everybody may have made one of that name by now. */
function makeParent(dir: string): void {
  makeDirectory(dir);
  const stat = lstatSync(dir);
  if (!stat.isDirectory() || stat.uid !== process.geteuid?.()) throw new Error('its directory belongs to somebody else');
}

/** Files alone: whoever may write there can have put links, pipes and directories of such names. */
function segmentsIn(dir: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => (entry.isFile() && entry.name.endsWith('.seg') ? [entry.name] : []));
  } catch {
    return [];
  }
}
