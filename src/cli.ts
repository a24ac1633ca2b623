import { writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command, CommandContext } from './commands/context.ts';
import { parseInvocation, type Verb } from './commands/invocation.ts';
import { run } from './commands/run.ts';
import { ExitCode, isUserError } from './errors.ts';

/** Picks the verb, and turns its outcome into words and an exit code. */
export async function main(): Promise<void> {
  const context: CommandContext = {
    env: process.env,
    cwd: workingDirectory(),
    dist: dirname(fileURLToPath(import.meta.url)),
    say,
    print,
  };
  try {
    const { verb, flags, words } = await parseInvocation(process.argv.slice(2));
    if (verb === 'run') process.exitCode = await run(flags, words, context);
    else process.exitCode = await (await others[verb]())(words, context, flags);
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** Loaded when they are asked for: none of them costs `run` anything. */
const others: Record<Exclude<Verb, 'run'>, () => Promise<Command>> = {
  traces: async () => (await import('./commands/traces.ts')).traces,
  drain: async () => (await import('./commands/drain.ts')).drain,
  purge: async () => (await import('./commands/purge.ts')).purge,
  status: async () => (await import('./commands/status.ts')).status,
  init: async () => {
    const { init } = await import('./commands/init.ts');
    return (words, context) => init(words, context);
  },
  help: async () => (await import('./commands/help.ts')).help,
};

function report(error: unknown): ExitCode {
  if (isUserError(error)) {
    say(error.message);
    if (error.hint !== null) say(error.hint);
    return error.exitCode;
  }
  say(`a fault of otel-run, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return ExitCode.failed;
}

/** One that has been removed is no reason not to run what does not need it. */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return process.env.PWD ?? '/';
  }
}

function print(text: string): void {
  // A reader that has seen enough (`| head`) closes the pipe.
  if (process.stdout.listenerCount('error') === 0) {
    process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? ExitCode.ok : ExitCode.failed));
  }
  process.stdout.write(text);
}

function say(line: string): void {
  try {
    writeSync(2, `otel-run: ${line}\n`);
  } catch {
    // Nobody reads stderr.
  }
}
