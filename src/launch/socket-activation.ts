import { existsSync } from 'node:fs';
import type { LaunchCommand } from '../plan/types.ts';

type Env = Readonly<Record<string, string>>;

const SHELL = '/bin/sh';
/** Variables by which systemd tells a process that sockets, or its watchdog, are meant for it and not for a child: sd_listen_fds(3), sd_watchdog_enabled(3). */
const PIDS = ['LISTEN_PID', 'WATCHDOG_PID'];

/**
 * The command by way of a shell that puts the pid of the application, which it becomes, in the place of ours.
 * The same command where nothing names us, or where there is no shell.
 */
export function withOwnPid(command: LaunchCommand, env: Env): { readonly file: string; readonly args: readonly string[]; readonly name: string; readonly env: Env } {
  const ours = PIDS.filter((name) => env[name] === String(process.pid));
  if (ours.length === 0 || !existsSync(SHELL)) return { ...command, env };
  const exports = ours.map((name) => `export ${name}=$$; `).join('');
  // The inode of our own pidfd, which systemd adds to the pid from version 257 on.
  const { LISTEN_PIDFDID: _, ...rest } = env;
  // Some shells hand on no variable whose name they cannot spell; `env` does.
  const odd = Object.entries(rest).filter(([name]) => !/^[A-Za-z_]\w*$/.test(name)).map(([name, value]) => `${name}=${value}`);
  const start = odd.length > 0 && !command.file.includes('=') ? ['exec env "$@"', 'sh', ...odd, command.file] : ['exec "$0" "$@"', command.file];
  return { file: SHELL, name: 'sh', args: ['-c', `${exports}${start[0]}`, ...start.slice(1), ...command.args], env: rest };
}
