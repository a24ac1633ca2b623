import { ExitCode, UserError } from '../errors.ts';

/** Files of these names in this folder are verbs. Anything else is a command to run. */
export const verbs = ['run', 'traces', 'drain', 'purge', 'status', 'init', 'help'] as const;
export type Verb = (typeof verbs)[number];

export type FlagValues = Readonly<Record<string, string | boolean | readonly string[]>>;

export interface Invocation {
  readonly verb: Verb;
  /** By the names of flags without dashes. Empty for verbs that read words of their own. */
  readonly flags: FlagValues;
  /** For `run` the command and its arguments, as they were typed; else the words of the verb. */
  readonly words: readonly string[];
}

/**
 * Splits the command line by position: our options, then the verb or the command. From the first word that is not
 * ours on nothing is looked at. `--` says that what follows is the command, whatever its name.
 */
export async function parseInvocation(argv: readonly string[]): Promise<Invocation> {
  const before = await splitFlags(argv);
  const [first, ...rest] = before.words;
  if (before.asked !== null) return { verb: 'help', flags: {}, words: [before.asked] };
  if (before.dashes || !isVerb(first)) return { verb: 'run', flags: before.flags, words: before.words };
  if (first !== 'help' && !takesOptions(first) && rest.some((word) => word === '--help' || word === '-h')) return { verb: 'help', flags: {}, words: ['help'] };
  if (!takesOptions(first)) return { verb: first, flags: {}, words: [...before.taken, ...rest] };
  const behind = await splitFlags(rest);
  if (behind.asked !== null) return { verb: 'help', flags: {}, words: [behind.asked] };
  const flags = { ...before.flags, ...behind.flags };
  if (first === 'run' || behind.words.length < 2) return { verb: first, flags, words: behind.words };
  // `purge all --json` is as good as `purge --json all`.
  const last = await splitFlags(behind.words.slice(1));
  return { verb: first, flags: { ...flags, ...last.flags }, words: [behind.words[0]!, ...last.words] };
}

export function usageError(problem: string, hint: string | null = null): UserError {
  return new UserError(ExitCode.failed, `${problem}${hint === null ? '' : `; ${hint}`}`, usageLine);
}

/** Node's parseArgs goes on to explain how a positional argument is written. */
export function firstSentence(message: string): string {
  const [sentence = ''] = message.split(/\.(?:\s|$)/, 1);
  return `${sentence.slice(0, 1).toLowerCase()}${sentence.slice(1)}`;
}

export const usageLine = 'usage: otel-run [options] [--] <command> [arguments…]   (otel-run --help lists the options)';

interface Split {
  readonly flags: FlagValues;
  /** The words that the flags were read from. */
  readonly taken: readonly string[];
  /** Whether `--` stood between. */
  readonly dashes: boolean;
  readonly asked: 'help' | 'version' | null;
  readonly words: readonly string[];
}

/** Commander costs 3 ms, so only a command line that begins with an option pays for it. */
async function splitFlags(argv: readonly string[]): Promise<Split> {
  const first = argv[0];
  if (first === '--') return { flags: {}, taken: [], dashes: true, asked: null, words: argv.slice(1) };
  if (first === undefined || !first.startsWith('-')) return { flags: {}, taken: [], dashes: false, asked: null, words: argv };
  const { readFlags } = await import('./flags.ts');
  const { flags, asked, words } = readFlags(argv);
  const taken = argv.slice(0, argv.length - words.length);
  const dashes = taken.at(-1) === '--';
  return { flags, taken: dashes ? taken.slice(0, -1) : taken, dashes, asked, words };
}

/** The options of a run: before the verb, behind it, or both. */
function takesOptions(verb: Verb): boolean {
  return verb === 'run' || verb === 'drain' || verb === 'purge' || verb === 'status';
}

function isVerb(word: string | undefined): word is Verb {
  return (verbs as readonly (string | undefined)[]).includes(word);
}
