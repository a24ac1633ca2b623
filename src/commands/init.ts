import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { ExitCode, UserError } from '../errors.ts';
import { adviseOnDockerfile } from '../init/dockerfile.ts';
import { chooseOffers, type Offer } from '../init/offers.ts';
import { lookAtProject, type PackageManager, type Project } from '../init/project.ts';
import { oneLine } from '../view/words.ts';
import type { CommandContext } from './context.ts';
import { firstSentence } from './invocation.ts';

/** Somebody who answers, or null where nobody can. */
export type Ask = ((question: string) => Promise<boolean>) | null;

/** `otel-run init`: looks at the project, shows what it would write, writes what is agreed to, says what to type next. */
export async function init(words: readonly string[], context: CommandContext, ask: Ask = askOnTerminal()): Promise<number> {
  const { yes, logs: wantsLogs } = readWords(words);
  const project = lookAtProject(context.cwd);
  context.print(describeProject(project));

  // An answer has a place where the settings are written.
  const logs = wantsLogs || (!yes && ask !== null && project.settings === null && (await ask(`\n${ASK_FOR_LOGS} [y/N] `)));
  const offers = chooseOffers(project, { logs }, (source) => readFileSync(join(context.dist, '..', 'templates', source), 'utf8'));
  let unanswered = 0;
  for (const offer of offers) {
    context.print(`\n${offer.path}, a new file:\n\n${indent(offer.text)}\n`);
    const agreed = yes || (ask !== null && (await ask(`Write ${offer.path}? [y/N] `)));
    if (!yes && ask === null) unanswered++;
    else context.print(agreed ? `${write(project, offer)}\n` : `${offer.path} is not written.\n`);
  }
  for (const note of notes(project, wantsLogs)) context.print(`\n${note}\n`);
  context.print(`\nNext:\n\n${indent(nextCommands(project, context).join('\n'))}\n`);
  if (unanswered === 0) return ExitCode.ok;
  context.say('nothing was written, for there is no terminal to ask on; otel-run init --yes writes these files');
  return ExitCode.failed;
}

const ASK_FOR_LOGS = 'Send log records to the backend too? Most platforms collect stdout already, and you would pay twice.';

const usage = 'usage: otel-run init [--yes] [--logs]';

function readWords(words: readonly string[]): { yes: boolean; logs: boolean } {
  try {
    const { values } = parseArgs({ args: [...words], options: { yes: { type: 'boolean', short: 'y' }, logs: { type: 'boolean' } } });
    return { yes: values.yes === true, logs: values.logs === true };
  } catch (error) {
    throw new UserError(ExitCode.failed, firstSentence((error as Error).message), usage);
  }
}

function describeProject(project: Project): string {
  const { name, hasManifest, packageManager, command, modules, isTypeScript, libraries, ownSender, dockerfile, settings } = project;
  const rows: [string, string][] = [
    ['package', hasManifest ? (name ?? 'without a name') : 'no package.json that can be read'],
    ['package manager', `${packageManager.name} (${packageManager.from})`],
    ['starts with', `${command.words.join(' ')} (${command.from})`],
    ['modules', isTypeScript ? `${modules}, TypeScript` : modules],
    ['traced libraries', libraries.length === 0 ? 'http, https and fetch of Node' : `${libraries.join(', ')}; http, https and fetch of Node`],
    ...(ownSender === null ? [] : [['other telemetry', `${ownSender}: where the application starts it, otel-run leaves tracing to it`] satisfies [string, string]]),
    ['settings', settings ?? 'none yet'],
    ['container', dockerfile ?? 'no Dockerfile yet'],
  ];
  return `otel-run looked at ${oneLine(project.dir)}:\n\n${rows.map(([title, text]) => `    ${title.padEnd(17)} ${oneLine(text, 300)}\n`).join('')}`;
}

/** Never over a file that is there, whoever made it meanwhile. */
function write({ dir }: Project, { path, text }: Offer): string {
  try {
    writeFileSync(join(dir, path), text, { flag: 'wx', mode: 0o644 });
    return `${path} is written.`;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return `${path} is there already and stays as it is.`;
    throw new UserError(ExitCode.failed, `${path} cannot be written: ${code ?? message}`, `otel-run init writes into ${dir}`);
  }
}

function notes(project: Project, wantsLogs: boolean): string[] {
  const { settings, dockerfile, hasBuild, packageManager } = project;
  const lines: string[] = [];
  if (settings !== null) lines.push(`Settings are in ${settings} already: left as they are.${wantsLogs ? ' Log records are sent with `logs: { exporters: [otlp] }` in them.' : ''}`);
  if (dockerfile !== null) lines.push(describeAdvice(project, dockerfile));
  else if (hasBuild) lines.push(`The Dockerfile does not run \`${packageManager.name} run build\`: build before, or add it.`);
  return lines;
}

function describeAdvice({ dir }: Project, dockerfile: string): string {
  const advice = adviseOnDockerfile(readFileSync(join(dir, dockerfile), 'utf8'));
  if (advice === null) return `${dockerfile} names otel-run already: left as it is.`;
  const { install, before, entrypoint, replaces } = advice;
  const first = `${before === null ? 'In its last stage' : `Before line ${before}`}:\n\n${indent(install)}`;
  const second = `${replaces === null ? 'Before its CMD' : `In place of line ${replaces.line} (${oneLine(replaces.text, 200)})`}:\n\n${indent(entrypoint)}`;
  return `${dockerfile} is there already and stays as it is. Lines to add:\n\n${first}\n\n${second}`;
}

const runners: Readonly<Record<PackageManager, string>> = { npm: 'npx', pnpm: 'pnpm exec', yarn: 'yarn', bun: 'bunx' };

/** Two, that can be typed as they are. */
function nextCommands({ packageManager: { name }, command, dependsOnUs }: Project, { env, dist }: CommandContext): [string, string] {
  const start = command.words.join(' ');
  if (dependsOnUs) return [`${runners[name]} otel-run ${start}`, `${runners[name]} otel-run traces`];
  const wasFetched = env.npm_command === 'exec' || dist.includes('_npx');
  if (wasFetched) return [`${name} ${name === 'npm' ? 'install' : 'add'} otel-run`, `${runners[name]} otel-run ${start}`];
  return [`otel-run ${start}`, 'otel-run traces'];
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '    ');
}

function askOnTerminal(): Ask {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return null;
  return async (question) => {
    const lines = createInterface({ input: process.stdin, output: process.stdout });
    // readline takes Ctrl-C from the terminal; it should end us as it ends anybody.
    lines.on('SIGINT', () => {
      lines.close();
      process.kill(process.pid, 'SIGINT');
    });
    const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    const answer = await Promise.race([lines.question(question), ended]);
    lines.close();
    return /^y(?:es)?$/i.test(answer.trim());
  };
}
