import { table, type Group, type Setting, type SettingKey } from './table.ts';

export interface FlagRow {
  /** The word without dashes; the name in {@link Flags}. `--no-…` flags keep their `no-`: they are settings of their own. */
  readonly name: string;
  /** As help shows it and commander takes it: `--service-name <name>`. */
  readonly form: string;
  readonly takesValue: boolean;
  /** May be given several times; its value in Flags is then a list. */
  readonly repeatable: boolean;
  readonly group: Group;
  readonly help: string;
  readonly key: SettingKey;
  readonly env: readonly string[];
}

/** Every flag, in the order of help. */
export const flagTable: readonly FlagRow[] = Object.entries<Setting>(table).flatMap(([key, setting]) =>
  setting.flag === undefined
    ? []
    : [
        {
          name: flagName(setting.flag),
          form: setting.flag,
          takesValue: setting.flag.includes('<'),
          repeatable: setting.type === 'map' || setting.type === 'headers',
          group: setting.group,
          help: setting.help,
          key: key as SettingKey,
          env: setting.env,
        },
      ],
);

/** `--service-name <name>` -> `service-name`. */
export function flagName(form: string): string {
  return form.slice(2).split(' ', 1)[0]!;
}
