import { flagTable } from '../settings/flags.ts';
import type { Command } from './context.ts';
import type { verbs } from './invocation.ts';

declare const OTEL_RUN_VERSION: string;

export const help: Command = async (words, { print }) => {
  print(words[0] === 'version' ? `${OTEL_RUN_VERSION}\n` : helpText());
  return 0;
};

const COLUMNS = 80;

/** Whoever reads it has found `help`. */
const what: Readonly<Record<Exclude<(typeof verbs)[number], 'help'>, string>> = {
  run: 'run a command, also one named like a verb',
  traces: 'list the traces kept on this machine, or draw one: traces <id>',
  drain: 'send what earlier runs could not deliver',
  purge: 'remove what is kept, for this backend or: purge all',
  status: 'say how the exporters that run now are doing',
  init: 'look at this project; write a config file and a Dockerfile',
};

/** From the table of settings. Fits a screen of 80 columns and 50 lines. */
function helpText(): string {
  const width = Math.max(...flagTable.map(({ form }) => form.length));
  const row = (left: string, right: string): string[] =>
    fit(right, COLUMNS - width - 4).map((text, index) => `  ${(index === 0 ? left : '').padEnd(width)}  ${text}`);
  const groups = [...new Set(flagTable.map(({ group }) => group))];
  return [
    'otel-run [options] [--] <command> [arguments…]',
    'Runs a command with OpenTelemetry in every Node process below it:',
    'otel-run node server.js, otel-run server.js, otel-run npm start.',
    'Verbs:',
    ...Object.entries(what).flatMap(([verb, does]) => row(verb, does)),
    ...groups.flatMap((group) => [
      `${group}:`,
      ...flagTable.filter((flag) => flag.group === group).flatMap(({ form, help: text }) => row(form, text)),
    ]),
    '',
  ].join('\n');
}

/** Lines of at most `columns`. What does not fit loses what stands in parentheses first, then is broken between words. */
function fit(text: string, columns: number): string[] {
  if (text.length <= columns) return [text];
  const short = text.replace(/ \([^)]*\)$/, '');
  if (short.length <= columns) return [short];
  const at = short.lastIndexOf(' ', columns);
  return [short.slice(0, at), ...fit(short.slice(at + 1), columns)];
}
