import { existsSync, fstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { findContainer } from '../plan/container.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What the process finds around itself. Look before anything else opens descriptors. */
export interface Surroundings {
  /** What shows that this is a container, or null. */
  readonly container: string | null;
  readonly ipcChannel: boolean;
  readonly listenFds: boolean;
  /** Inherited descriptors above 2 that Node has marked close-on-exec at its start: `execve` closes them. */
  readonly inheritedDescriptors: readonly number[];
  /** Further ones that it has not marked: every process that we start inherits them, wanted or not. */
  readonly unmarkedDescriptors: readonly number[];
  /** stdin, stdout and stderr are terminals. */
  readonly onTerminal: boolean;
}

export function lookAround(env: Env): Surroundings {
  const { marked, unmarked } = findInheritedDescriptors();
  return {
    container: findContainer(env, process.pid, existsSync),
    // Node takes NODE_CHANNEL_FD out of the environment when it has opened the channel.
    ipcChannel: process.channel !== undefined && process.channel !== null,
    listenFds: (env.LISTEN_FDS ?? '') !== '',
    inheritedDescriptors: marked,
    unmarkedDescriptors: unmarked,
    onTerminal: [0, 1, 2].every(isTerminal),
  };
}

/** `node:tty` costs a millisecond to load, so only a character device is asked whether it is a terminal. */
export function isTerminal(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice() && process.getBuiltinModule('node:tty').isatty(fd);
  } catch {
    return false; // closed
  }
}

/**
 * Linux only; elsewhere none are seen. Node's own descriptors are `anon_inode:` entries, `/dev/null`, and pipes of
 * which it holds both ends, all close-on-exec. At its start Node marks what it inherited up to the first gap behind
 * 15; what it has not marked survives `execve`.
 */
function findInheritedDescriptors(): { marked: number[]; unmarked: number[] } {
  const found: Descriptor[] = [];
  for (const name of list('/proc/self/fd')) {
    const fd = Number(name);
    if (fd < 3) continue;
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      if (target.startsWith('anon_inode:') || target === '/dev/null') continue;
      const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? '0', 8);
      found.push({ fd, target, marked: (flags & closeOnExec) !== 0, blocking: (flags & nonBlocking) === 0 });
    } catch {
      continue; // closed since, as the one that read the directory is
    }
  }
  const own = ownPipes(found);
  const numbers = (wanted: (descriptor: Descriptor) => boolean): number[] =>
    found.filter(wanted).map(({ fd }) => fd).sort((a, b) => a - b);
  return {
    marked: numbers(({ fd, target, marked }) => marked && fd <= 15 && !own.has(target)),
    unmarked: numbers(({ marked }) => !marked),
  };
}

interface Descriptor {
  readonly fd: number;
  readonly target: string;
  /** Close-on-exec. */
  readonly marked: boolean;
  readonly blocking: boolean;
}

const closeOnExec = 0o2000000;
const nonBlocking = 0o4000;

/**
 * libuv's pipes do not block, but for the one that guards signals; it comes behind whatever was inherited.
 * `make` hands down both ends of a blocking pipe, too: the jobserver.
 */
function ownPipes(descriptors: readonly Descriptor[]): ReadonlySet<string> {
  const pairs = descriptors.filter(
    ({ fd, target }) => target.startsWith('pipe:') && descriptors.some((other) => other.fd !== fd && other.target === target),
  );
  const guards = pairs.filter(({ blocking }) => blocking).sort((a, b) => b.fd - a.fd);
  return new Set([...pairs.filter(({ blocking }) => !blocking), ...guards.slice(0, 1)].map(({ target }) => target));
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
