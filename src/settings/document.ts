import { destinationTable } from './destination-table.ts';
import { table, type Group, type Setting } from './table.ts';

export interface DocumentedSetting {
  readonly group: Group;
  /** Key in the config file, or null where a file has no say. */
  readonly key: string | null;
  readonly flag: string | null;
  readonly env: readonly string[];
  readonly default: string;
  readonly help: string;
}

/** The table as documentation has it, in its order. */
export function settingsTable(): DocumentedSetting[] {
  return Object.entries<Setting>(table).map(([key, setting]) => ({
    group: setting.group,
    key: setting.inFile === false ? null : key,
    flag: setting.flag ?? null,
    env: setting.env,
    default: showDefault(setting.default),
    help: setting.help,
  }));
}

/** The same as a Markdown table. */
export function settingsMarkdown(): string {
  const rows = settingsTable().map(({ key, flag, env, help, ...row }) =>
    [flag === null ? '' : code(flag), env.map(code).join(' '), key === null ? '' : code(key), row.default === '' ? '' : code(row.default), help],
  );
  return markdownTable(['flag', 'environment variable', 'key in the file', 'default', 'meaning'], rows);
}

/** What can be set for each of `destinations`, as a Markdown table. */
export function destinationMarkdown(): string {
  return markdownTable(['key', 'meaning'], Object.entries<Setting>(destinationTable).map(([part, { help }]) => [code(part), help]));
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '-'), ...rows].map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`).join('');
}

function showDefault(value: Setting['default']): string {
  if (value === null) return '';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(',');
  return typeof value === 'object' ? '' : String(value);
}

function code(text: string): string {
  return `\`${text}\``;
}
