import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ExitCode, UserError, isUserError } from '../errors.ts';
import { processesOf } from '../export/processes.ts';
import { findCommand } from '../launch/find-command.ts';
import { whyContainerForgets } from '../launch/lasting-dir.ts';
import { launch } from '../launch/launch.ts';
import { holdIpc } from '../launch/relay-ipc.ts';
import { shedNodeOptions } from '../launch/shed-node-options.ts';
import { lookAround, type Surroundings } from '../launch/surroundings.ts';
import type { LaunchCommand, LaunchPlan } from '../plan/types.ts';
import { table } from '../settings/table.ts';
import type { Settings } from '../settings/types.ts';
import { parseText } from '../settings/values.ts';
import type { CommandContext } from './context.ts';
import { usageError, type FlagValues } from './invocation.ts';
import { takeLastWords } from './last-words.ts';
import { loadSettings } from './load-settings.ts';
import { planRun, type RunFacts } from './plan-run.ts';

/** `otel-run [options] <command>`: load, resolve, plan, launch. */
export async function run(flags: FlagValues, words: readonly string[], context: CommandContext): Promise<number> {
  const { env, cwd } = context;
  shedNodeOptions(env);
  const around = lookAround(env);
  const ipc = holdIpc();
  const command = await findOrGuess(namedCommand(words), flags, context);
  const { settings, plan } = await prepare(flags, { command, around, context });
  if (flags['dry-run'] === true || settings?.values.dryRun.value === true) {
    const { showRun } = await import('./dry-run.ts');
    return showRun(settings, plan, { json: flags.json === true, context });
  }
  if (settings !== null) announce(plan, settings, around, context);
  return launch(plan, around, {
    ...context,
    ipc,
    startExporterBeside: async (exporter, program) => (await loadExporterBeside(program, context)).startExporterBeside(exporter, around, { ...context, dist: program }),
    claimSpool: async (exporter) => (await import('../export/ledger.ts')).openLedger(exporter).close(),
    outlives: (run) => processesOf(run).length > 0,
  });
}

/** What cannot be found may have been meant otherwise. */
async function findOrGuess(words: readonly [string, ...string[]], flags: FlagValues, { env, cwd }: CommandContext): Promise<LaunchCommand> {
  try {
    return findCommand(words, { cwd, path: env.PATH, ownNode: process.execPath });
  } catch (error) {
    if (!isUserError(error) || error.exitCode !== ExitCode.notFound || error.hint !== null) throw error;
    const { guessCommand } = await import('./guess-command.ts');
    throw new UserError(error.exitCode, error.message, guessCommand(words[0], flags, cwd));
  }
}

/** From the copy, where there is one: what is installed may be gone by now. */
function loadExporterBeside(program: string, { dist }: CommandContext): Promise<typeof import('./exporter-beside.ts')> {
  if (program === dist) return import('./exporter-beside.ts');
  return import(pathToFileURL(join(program, 'later', 'exporter-beside.js')).href) as Promise<typeof import('./exporter-beside.ts')>;
}

/** Reads settings and makes the plan. A fault of ours there costs the telemetry, not the application. */
async function prepare(flags: FlagValues, facts: Omit<RunFacts, 'settings'>): Promise<{ settings: Settings | null; plan: LaunchPlan }> {
  const { env, say } = facts.context;
  try {
    const settings = isSwitchedOff(facts.context) ? null : await loadSettings(flags, facts.context);
    return { settings, plan: planRun({ ...facts, settings }) };
  } catch (error) {
    if (isUserError(error)) throw error;
    say(`the application runs without telemetry by a fault of otel-run, please report it: ${String(error)}`);
    return { settings: null, plan: planRun({ ...facts, settings: null }) };
  }
}

/** What is worth a line before the application starts. */
function announce(plan: LaunchPlan, settings: Settings, { container }: Surroundings, { say }: CommandContext): void {
  if (settings.verbosity.value === 'quiet') return;
  if (plan.topology === 'off' && !settings.disabled.value) say(`the application runs without telemetry: ${plan.reason}`);
  // The others are told by the agent's guard, which Bun does not load.
  if (plan.agent !== null && /^bunx?(?:\.exe)?$/.test(basename(plan.command.name))) say('Bun is not supported; what it runs is without telemetry');
  const lastWords = takeLastWords(plan.exporter?.lastWordsFiles ?? []);
  if (lastWords !== null) say(lastWords);
  const store = plan.exporter?.destinations.find((destination) => destination.kind === 'store');
  if (store?.kind === 'store') {
    const goes = container !== null && whyContainerForgets(store.dir) !== null;
    say(`no backend is configured: traces stay ${goes ? 'in this container, and go with it;' : 'on this machine,'} \`otel-run traces\`${goes ? ' in it' : ''} shows them`);
  }
}

function namedCommand(words: readonly string[]): [string, ...string[]] {
  const [name, ...args] = words;
  if (name === undefined) throw usageError('no command was named');
  return [name, ...args];
}

/** Whoever reaches for this switch wants it off, however they spell it. */
function isSwitchedOff({ env, say }: CommandContext): boolean {
  const text = env.OTEL_RUN_DISABLED?.trim() ?? '';
  if (text === '') return false;
  const { value, wrong } = parseText(table.runDisabled, text, true);
  if (wrong !== undefined) say(`OTEL_RUN_DISABLED: ${wrong}; it counts as true`);
  return value === true;
}
