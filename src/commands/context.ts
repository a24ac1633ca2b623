import type { FlagValues } from './invocation.ts';

/** What a verb may touch of the process. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Absolute path of the directory that holds the built launcher, exporter and agent. */
  readonly dist: string;
  /** One line on stderr, prefixed `otel-run:`. Written when it returns. */
  say(line: string): void;
  /** Text on stdout as it is. For verbs other than `run`: there stdout is the application's. */
  print(text: string): void;
}

/** What the file of a verb exports: runs with the words behind the verb (and the options, where it takes those of a run), answers with the exit code. */
export type Command = (words: readonly string[], context: CommandContext, flags: FlagValues) => Promise<number>;
