import { ExitCode, UserError } from '../errors.ts';
import { readSettings } from '../settings/read.ts';
import type { Problem, Settings } from '../settings/types.ts';
import type { CommandContext } from './context.ts';
import type { FlagValues } from './invocation.ts';

/** Settings, with what is wrong with them said. */
export async function loadSettings(flags: FlagValues, { env, cwd, say }: CommandContext): Promise<Settings> {
  const settings = await readSettings({ flags, env, cwd });
  const { values, problems, verbosity } = settings;
  const isRefused = values.strict.value && problems.some(({ strict }) => strict);
  for (const { severity, strict, message, hint } of problems) {
    if (isRefused ? strict : spoken[verbosity.value].includes(severity)) say(hint === null ? message : `${message}; ${hint}`);
  }
  if (isRefused) throw new UserError(ExitCode.failed, '--strict: not started');
  return settings;
}

const spoken: Readonly<Record<Settings['verbosity']['value'], readonly Problem['severity'][]>> = {
  quiet: ['error'],
  normal: ['error', 'warning'],
  verbose: ['error', 'warning', 'note'],
};
