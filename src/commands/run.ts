import { ExitCode, UserError } from '../errors.ts';
import { findCommand } from '../launch/find-command.ts';
import { launch } from '../launch/launch.ts';
import { shedNodeOptions } from '../launch/shed-node-options.ts';
import { lookAround } from '../launch/surroundings.ts';
import { readSettings } from '../settings/read.ts';
import type { LaunchPlan } from '../plan/types.ts';
import type { Settings } from '../settings/types.ts';
import type { CommandContext } from './context.ts';
import { usageError, type FlagValues } from './invocation.ts';
import { planRun } from './plan-run.ts';

/** `otel-run [options] <command>`: load, resolve, plan, launch. */
export async function run(flags: FlagValues, words: readonly string[], context: CommandContext): Promise<number> {
  const { env, cwd } = context;
  shedNodeOptions(env);
  const around = lookAround(env);
  const settings = isOn(env.OTEL_RUN_DISABLED) ? null : await load(flags, context);
  const command = findCommand(namedCommand(words), { cwd, path: env.PATH, ownNode: process.execPath });
  const plan = planRun({ settings, command, around, context });
  if (flags['dry-run'] === true || settings?.values.dryRun.value === true) {
    const { showRun } = await import('./dry-run.ts');
    return showRun(settings, plan, { json: flags.json === true, context });
  }
  if (settings !== null) announce(plan, settings, context);
  return launch(plan, around, {
    ...context,
    startExporterBeside: async (exporter) => (await import('./exporter-beside.ts')).startExporterBeside(exporter, context),
  });
}

/** Settings, with what is wrong with them said. */
async function load(flags: FlagValues, { env, cwd, say }: CommandContext): Promise<Settings> {
  const settings = await readSettings({ flags, env, cwd });
  const { values, verbosity } = settings;
  if (values.strict.value && settings.problems.some(({ strict }) => strict)) {
    for (const { message, hint, strict } of settings.problems) if (strict) say(hint === null ? message : `${message}; ${hint}`);
    throw new UserError(ExitCode.failed, '--strict: not started');
  }
  for (const { severity, message, hint } of settings.problems) {
    const least = { quiet: 'error', normal: 'error warning', verbose: 'error warning note' }[verbosity.value];
    if (least.includes(severity)) say(hint === null ? message : `${message}; ${hint}`);
  }
  return settings;
}

/** What is worth a line before the application starts. */
function announce(plan: LaunchPlan, settings: Settings, { say }: CommandContext): void {
  if (settings.verbosity.value === 'quiet') return;
  if (plan.topology === 'off' && !settings.disabled.value) say(`the application runs without telemetry: ${plan.reason}`);
  if (plan.exporter?.destinations.some(({ kind }) => kind === 'store') === true) {
    say('no backend is configured: traces stay on this machine, `otel-run traces` shows them');
  }
}

function namedCommand(words: readonly string[]): [string, ...string[]] {
  const [name, ...args] = words;
  if (name === undefined) throw usageError('no command was named');
  return [name, ...args];
}

function isOn(value: string | undefined): boolean {
  return /^(?:1|true)$/i.test(value?.trim() ?? '');
}
