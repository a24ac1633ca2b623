import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const DUMPING: ReadonlySet<string> = new Set(['SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGXCPU', 'SIGXFSZ', 'SIGSYS']);

/**
 * Whether this process may end by `signal` and leave no core file: the application has left its own already. Node
 * cannot change its limits; `prlimit` can. A limit of one byte also keeps a program that core_pattern names from
 * being started (core(5)), zero does not.
 */
export function canEndWithoutCore(signal: NodeJS.Signals): boolean {
  if (!DUMPING.has(signal) || process.platform !== 'linux' || !dumpsCore()) return true;
  return spawnSync('prlimit', ['--core=1', `--pid=${process.pid}`], { stdio: 'ignore' }).status === 0;
}

function dumpsCore(): boolean {
  try {
    const soft = /^Max core file size\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return soft !== '0' || readFileSync('/proc/sys/kernel/core_pattern', 'latin1').startsWith('|');
  } catch {
    return false;
  }
}
