import type { Contender } from '../contenders.mjs';
import type { Backend, Trouble } from './backend.ts';

/** One line of the table: a fault, and how to bring it about. */
export interface Row {
  /** Of the fault matrix; letters tell cases of one number apart. */
  readonly number: string;
  /** The fault, in words. */
  readonly fault: string;
  /** What holds all the same; the row's tests are named after it. */
  readonly promise?: string;
  /** Where the promise cannot be met: what happens, exactly. */
  readonly instead?: Instead;
  /** Among the few that README shows. */
  readonly inReadme?: boolean;
  /** What `apps/play.cjs` is told. */
  readonly program?: readonly string[];
  readonly nodeOptions?: readonly string[];
  /** Another command than `node play.cjs`, for one contender. Null: the row makes no sense for it. */
  readonly command?: (facts: CommandFacts) => Command | null;
  readonly spans?: number;
  /** The promise is that the application runs, and a word; spans are counted all the same. */
  readonly spansAreExtra?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly backend?: Trouble;
  /** Contenders for which the row makes no sense, and plain node where there is nothing to compare with. */
  readonly not?: (contender: Contender) => boolean;
  /** It mounts, makes namespaces or changes the user. */
  readonly needsRoot?: boolean;
  /** Brings the fault about from outside. */
  readonly inject?: (running: Running) => Promise<void>;
  /** How much later the end may come than plain node's. */
  readonly delayMs?: number;
  /** Lines of its own that a contender may write to stderr. */
  readonly lines?: number;
  /** The processes are killed behind this. */
  readonly limitMs?: number;
  /** A finding of the row's own, for its cell; what begins with `✗ ` breaks the promise. */
  readonly finding?: (running: Running) => string | null;
}

export interface Instead {
  /** Absent: as it happens to come. */
  readonly delivered?: number;
  readonly counted: number;
  /** All that is said. */
  readonly words: RegExp;
}

export interface Command {
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface CommandFacts {
  readonly contender: Contender;
  readonly node: string;
  readonly play: string;
  /** A directory of this run's own. */
  readonly dir: string;
  readonly port: number;
}

export interface Running {
  readonly contender: Contender;
  readonly pid: number;
  readonly dir: string;
  readonly backend: Backend;
  readonly output: { readonly stdout: string; readonly stderr: string };
  said(text: string): Promise<void>;
  /** The pid that the application has noted. */
  application(): number;
  /** From here on the program is to end. */
  ending(): void;
  /** Everything of this run that is alive. */
  processes(): number[];
}

export interface Outcome {
  readonly spans: number;
  readonly delivered: number;
  readonly twice: number;
  /** Delivered by the next run or `otel-run drain`, once the backend was well. */
  readonly later: number;
  /** Still in the state directory of otel-run, for a backend that never was well in this row. */
  readonly kept: number;
  /** Lost, and said to be lost on stderr. */
  readonly counted: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly neverEnds: boolean;
  /** From the moment in which the program was to end. */
  readonly endedAfterMs: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What the next run and `otel-run drain` said. */
  readonly saidNext: string;
  readonly finding: string | null;
}
