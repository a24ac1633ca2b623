export function findOnPath(command: string): string | undefined;
export function runCommand(
  command: string,
  args: readonly string[],
  options?: { cwd?: string; env?: NodeJS.ProcessEnv; niceness?: number },
): Promise<string>;
export function npmCommand(): [string, ...string[]];
