import { Command, CommanderError, Option } from 'commander';
import { flagTable } from '../settings/flags.ts';
import { usageError, type FlagValues } from './invocation.ts';

export interface FlagReading {
  readonly flags: FlagValues;
  readonly asked: 'help' | 'version' | null;
  /** From the first word on that is not an option of ours. */
  readonly words: readonly string[];
}

/** Reads the options at the start of the command line, as the table of settings defines them. */
export function readFlags(argv: readonly string[]): FlagReading {
  const flags: Record<string, string | boolean | readonly string[]> = {};
  let asked: FlagReading['asked'] = null;
  const program = new Command('otel-run')
    .argument('[command...]')
    .passThroughOptions()
    .helpOption(false)
    .exitOverride()
    .configureOutput({ writeOut: () => {}, writeErr: () => {} })
    .action(() => {});
  program.option('-h, --help').on('option:help', () => (asked ??= 'help'));
  program.option('-v, --version').on('option:version', () => (asked ??= 'version'));
  const ours = new Set(['--', '--help', '--version', ...flagTable.map(({ name }) => `--${name}`)]);
  for (const { name, form, takesValue, repeatable } of flagTable) {
    program.addOption(new Option(form)).on(`option:${name}`, (value: string | null) => {
      if (value !== null && ours.has(value)) throw usageError(`--${name} needs a value, and ${value} is an option`);
      const before = flags[name];
      if (!takesValue) flags[name] = true;
      else flags[name] = repeatable ? [...(Array.isArray(before) ? before : []), value!] : value!;
    });
  }
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    throw error instanceof CommanderError ? usageError(inOurWords(error.message)) : error;
  }
  return { flags, asked, words: program.args };
}

/** Commander says `error: unknown option '--foo'`, and `(Did you mean --bar?)` on a line of its own. */
function inOurWords(message: string): string {
  return message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
}
