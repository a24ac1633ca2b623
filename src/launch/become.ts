import { accessSync, constants } from 'node:fs';
import type { LaunchCommand } from '../plan/types.ts';
import { readHead } from './read-head.ts';

type Env = Readonly<Record<string, string>>;

/** Linux: 32 pages for one string (MAX_ARG_STRLEN), a quarter of the stack's limit for all (2 MiB of the usual 8). */
const MOST_BYTES_OF_ONE = 128 * 1024;
const MOST_BYTES_OF_ALL = 1024 * 1024;

/**
 * Replaces this process by the command. Comes back only where that cannot be done, with the reason.
 * Node 22 and 24 abort where `execve` fails, so what is known to fail is not tried.
 */
export function become(command: LaunchCommand, env: Env): string {
  const argv = [command.name, ...command.args];
  const obstacle = whyExecveFails(command.file, argv, env);
  if (obstacle !== null) return obstacle;
  try {
    // A failure makes Node warn of an experimental feature, which is no concern of the reader.
    process.removeAllListeners('warning');
    process.execve!(command.file, argv, env);
    return 'process.execve came back';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function whyExecveFails(file: string, argv: readonly string[], env: Env): string | null {
  const sizes = [...argv, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)].map((text) => Buffer.byteLength(text) + 1);
  if (sizes.some((size) => size > MOST_BYTES_OF_ONE)) return 'an argument or a variable is too long';
  if (sizes.reduce((sum, size) => sum + size + 8, 0) > MOST_BYTES_OF_ALL) return 'arguments and environment are too long together';

  const head = readHead(file);
  if (!head.startsWith('#!')) {
    return process.platform !== 'linux' || head.startsWith('\x7fELF') ? null : 'not a program of this system';
  }
  const interpreter = head.slice(2).trimStart().split(/\s/, 1)[0]!;
  try {
    accessSync(interpreter, constants.X_OK);
    return null;
  } catch {
    return `${interpreter}, named in the first line, cannot be run`;
  }
}
