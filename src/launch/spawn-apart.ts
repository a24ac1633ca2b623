import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

export interface ApartOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** In a session of its own. */
  readonly detached: boolean;
  /** Descriptors that every process which we start would inherit. */
  readonly unmarkedDescriptors: readonly number[];
  /** Its stdout is a pipe, too. */
  readonly heard?: boolean;
}

/** Starts a process of ours, with a pipe as its stdin: it holds no descriptor and no working directory of the application's. */
export function spawnApart(file: string, args: readonly string[], { env, detached, unmarkedDescriptors, heard = false }: ApartOptions): ChildProcess {
  const nowhere = openSync('/dev/null', 'r+');
  // A descriptor of ours that stayed open there would keep somebody waiting for its end.
  const stdio: ('pipe' | 'ignore' | number)[] = ['pipe', heard ? 'pipe' : 'ignore', 'ignore'];
  for (const fd of unmarkedDescriptors) {
    while (stdio.length < fd) stdio.push('ignore');
    stdio[fd] = nowhere;
  }
  try {
    return spawn(file, args, { cwd: '/', env: { ...env }, detached, stdio });
  } finally {
    closeSync(nowhere);
  }
}
