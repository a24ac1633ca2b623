import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { ExitCode, UserError } from '../errors.ts';
import { isNodeProgram, isScriptName } from '../plan/node-program.ts';
import type { LaunchCommand } from '../plan/types.ts';
import { readHead } from './read-head.ts';

/** What `execvp` searches where PATH is unset. */
const defaultPath = '/usr/local/bin:/bin:/usr/bin';

export interface CommandPlace {
  readonly cwd: string;
  /** PATH of the application's environment. */
  readonly path: string | undefined;
  /** The Node that runs otel-run: stands in where `node` is not on PATH. */
  readonly ownNode: string;
}

/** Finds the program that the words mean, as a shell would, and fails as a shell would: 127 not found, 126 not executable. */
export function findCommand(words: readonly [string, ...string[]], place: CommandPlace): LaunchCommand {
  const [name, ...args] = words;
  if (name === '') throw new UserError(ExitCode.notFound, 'the command is an empty word');
  if (meansNodeScript(name, place.cwd)) {
    const node = search('node', place);
    return { file: typeof node === 'string' ? node : place.ownNode, args: [name, ...args], name: 'node', isNode: true };
  }
  const file = /[/\\]/.test(name) ? judge(resolve(place.cwd, name)) : search(name, place);
  if (typeof file === 'string') return { file, args, name, isNode: isNodeProgram(file, readHead(file)) };
  if (name === 'node' && file.cause === 'missing') return { file: place.ownNode, args, name, isNode: true };
  if (file.cause === 'missing') throw new UserError(ExitCode.notFound, `${name}: command not found`, /^\S+ .*\S/.test(name) ? 'the words of a command are words of their own: leave the quotes out (otel-run npm start)' : null);
  throw new UserError(ExitCode.notExecutable, `${name}: ${file.cause}${file.path === name ? '' : ` (${file.path})`}`);
}

interface Unusable {
  readonly cause: 'missing' | 'is a directory' | 'permission denied';
  readonly path: string;
}

/** A script file that is there. One named by a path that says itself what runs it is left to say so. */
function meansNodeScript(name: string, cwd: string): boolean {
  if (!isScriptName(name)) return false;
  const file = resolve(cwd, name);
  if (!isFile(file)) return false;
  return !(/[/\\]/.test(name) && typeof judge(file) === 'string' && readHead(file).startsWith('#!'));
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function search(name: string, { path, cwd }: CommandPlace): string | Unusable {
  let unusable: Unusable = { cause: 'missing', path: name };
  for (const dir of (path ?? defaultPath).split(delimiter)) {
    const candidate = join(isAbsolute(dir) ? dir : resolve(cwd, dir), name);
    const file = judge(candidate);
    if (typeof file === 'string') return file;
    if (file.cause === 'permission denied') unusable = file;
  }
  return unusable;
}

function judge(path: string): string | Unusable {
  try {
    if (statSync(path).isDirectory()) return { cause: 'is a directory', path };
    accessSync(path, constants.X_OK);
    return path;
  } catch (error) {
    return { cause: (error as NodeJS.ErrnoException).code === 'EACCES' ? 'permission denied' : 'missing', path };
  }
}
