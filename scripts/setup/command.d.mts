export function findOnPath(command: string): string | undefined;
export function runCommand(
  command: string,
  args: readonly string[],
  options?: {
    cwd?: string;
    env?: NodeJS.ProcessEnv;
    ids?: { readonly uid: number; readonly gid: number } | undefined;
    niceness?: number;
  },
): Promise<string>;
export function npmCommand(): [string, ...string[]];
