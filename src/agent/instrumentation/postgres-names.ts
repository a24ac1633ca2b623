import type { Span } from '@opentelemetry/api';

interface Request {
  readonly connection: { readonly database?: string };
  readonly query: { readonly text: string; readonly name?: string };
}

/** What the instrumentation takes for the command: everything before the first space. */
const FIRST_WORD = /^\s*[^ ]*/;
/** A command as people write it, comments in front of it skipped. */
const COMMAND = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*(?:[^*]|\*(?!\/))*\*\/|\()*([A-Za-z]+)/;

/** The instrumentation puts literals and comments into a span's name where no space follows the command (`SELECT\n'a'`). */
export function nameStatement(span: Span, { connection, query }: Request): void {
  if (query.name) return;
  const first = FIRST_WORD.exec(query.text)![0].trim();
  if (/^[A-Za-z]+;?$/.test(first)) return;
  span.updateName(statementName(query.text, connection.database));
}

export function statementName(text: string, database: string | undefined): string {
  const command = statementCommand(text);
  return ['pg.query', command && `:${command}`, database && ` ${database}`].filter(Boolean).join('');
}

export function statementCommand(text: string): string | undefined {
  return COMMAND.exec(text)?.[1]?.toUpperCase();
}
