// What the kernel says of a tree of processes.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const TICKS_PER_SECOND = 100;

/**
 * `root` and all its descendants. An exporter in a session of its own is a child too: `execve` keeps the launcher's
 * pid for the application.
 */
export function processTree(root) {
  const parents = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) parents.set(Number(pid), Number(statFields(pid)[1]));
  const tree = [root];
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid && !tree.includes(child)) tree.push(child);
  return tree;
}

/** CPU seconds of the process, user and system, from its start. */
export function cpuSeconds(pid) {
  const fields = statFields(pid);
  return fields.length === 0 ? 0 : (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The words of a process's command line. */
export function commandLine(pid) {
  return read(`/proc/${pid}/cmdline`).split('\0');
}

/** Proportional set size in MiB. */
export function pssMiB(pid) {
  return Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) / 1024;
}

/** MiB of all files below `dir`: a spool on a memory file system is memory. */
export function filesMiB(dir) {
  try {
    return readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, entry) => sum + statSync(join(entry.parentPath ?? entry.path, entry.name), { throwIfNoEntry: false })?.size / 2 ** 20, 0);
  } catch {
    return 0;
  }
}

/** Fields of /proc/<pid>/stat behind the command's name: state, parent, … ; empty for a process that has ended. */
function statFields(pid) {
  const stat = read(`/proc/${pid}/stat`);
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function read(file) {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
