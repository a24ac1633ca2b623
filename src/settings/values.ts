import { findNearest } from './nearest.ts';
import { quote } from './origin.ts';
import { findPatternFault } from './pattern.ts';
import type { Setting } from './table.ts';

export type ListSetting = Extract<Setting, { type: 'list' }>;
export type MapSetting = Extract<Setting, { type: 'map' | 'headers' | 'options' | 'destinations' | 'views' }>;
export type TextSetting = Exclude<Setting, ListSetting | MapSetting>;

/** A value, or what is wrong with the text. A value with `wrong` holds, and yet needs a word. */
export type Parsed = { readonly value: unknown; readonly wrong?: string } | ({ readonly value?: undefined } & Fault);

export interface Fault {
  readonly wrong: string;
  readonly hint: string | null;
  /** What holds, where it is not what an invalid value brings. */
  readonly effect?: string;
}

/** Text as the OpenTelemetry specification reads it. `ours` are variables of our own, where `1`, `yes`, `on` and their likes are booleans too. */
export function parseText(setting: TextSetting, text: string, ours = false): Parsed {
  switch (setting.type) {
    case 'string':
    case 'path':
    case 'url':
      return { value: text };
    case 'enum':
      return parseWord(setting, setting.values, text);
    case 'boolean':
      return parseBoolean(text, ours, setting.unknown ?? false);
    case 'integer':
      return parseCount(text, setting.min, 'max' in setting ? setting.max : undefined);
    case 'bytes':
      return parseBytes(text, setting.min);
    case 'duration':
      return parseDuration(text, setting.min ?? 0);
    case 'seconds':
      return parseSeconds(text);
    case 'ratio':
      return parseRatio(text);
  }
}

export function parseRatio(text: string): Parsed {
  const value = /^\+?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
  if (value >= 0 && value <= 1) return { value };
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(text) ?? /^(\d+)$/.exec(text);
  const share = percent === null ? NaN : Number(percent[1]) / 100;
  return { wrong: `${quote(text)} is no number from 0 to 1`, hint: share <= 1 ? `${percent![1]} % is ${share}` : null };
}

/** Words of a list, each valid one once; what is wrong with the others. */
export function parseList(setting: ListSetting, words: readonly string[]): { readonly value: readonly string[] | null; readonly faults: readonly Fault[] } {
  const plain = words.map((word) => word.trim()).filter((word) => word !== '');
  const values = setting.values;
  if (setting.form === 'pattern') return parsePatterns(plain);
  if (values === undefined) return { value: [...new Set(plain)], faults: [] };
  const lower = plain.map((word) => word.toLowerCase());
  const faults: Fault[] = [];
  if (setting.none && lower.includes('none')) {
    const others = plain.filter((_, index) => lower[index] !== 'none');
    if (others.length > 0) faults.push({ wrong: `'none' stands beside ${others.map((word) => quote(word)).join(', ')}`, hint: null, effect: 'it is none' });
    return { value: [], faults };
  }
  if (setting.all && lower.includes('all')) return { value: setting.default, faults };
  const valid = new Set<string>();
  for (const word of plain) {
    const parsed = parseWord(setting, values, setting.prefix !== undefined && word.startsWith(setting.prefix) ? word.slice(setting.prefix.length) : word);
    if (parsed.value !== undefined) valid.add(parsed.value as string);
    else faults.push(parsed);
  }
  return { value: [...valid], faults };
}

function parsePatterns(sources: readonly string[]): { readonly value: readonly string[]; readonly faults: readonly Fault[] } {
  const faults: Fault[] = [];
  const value = [...new Set(sources)].filter((source) => {
    const fault = findPatternFault(source);
    if (fault !== null) faults.push({ wrong: `${quote(source, 200)} ${fault}`, hint: null });
    return fault === null;
  });
  return { value, faults };
}

function parseWord(setting: Setting, values: readonly string[], text: string): { readonly value: string } | ({ readonly value?: undefined } & Fault) {
  const word = text.toLowerCase();
  const value = values.find((candidate) => candidate.toLowerCase() === word);
  if (value !== undefined) return { value };
  const reason = Object.entries(setting.unsupported ?? {}).find(([name]) => name === word)?.[1];
  if (reason !== undefined) return { wrong: `${quote(text)}: ${reason}`, hint: null };
  const nearest = findNearest(word, values);
  const hint = nearest !== null ? `did you mean ${quote(nearest)}?` : values.length <= 12 ? `one of ${values.join(', ')}` : null;
  return { wrong: `${quote(text)} is not known`, hint };
}

function parseBoolean(text: string, ours: boolean, unknown: boolean): Parsed {
  const word = text.toLowerCase();
  if (word === 'true' || (ours && /^(?:1|yes|y|on)$/.test(word))) return { value: true };
  if (word === 'false' || (ours && /^(?:0|no|n|off)$/.test(word))) return { value: false };
  return { value: unknown, wrong: `${quote(text)} is neither true nor false` };
}

function parseCount(text: string, min: number, max?: number): Parsed {
  const value = /^\+?\d+$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= (max ?? Number.MAX_SAFE_INTEGER)) return { value };
  return { wrong: `${quote(text)} is no whole number from ${min}${max === undefined ? '' : ` to ${max}`}`, hint: null };
}

/** Timers of Node hold 31 bits. */
const LONGEST_DURATION = 2 ** 31 - 1;

function parseDuration(text: string, min: number): Parsed {
  const wrong = `${quote(text)} is no whole number of milliseconds${min > 0 ? ` from ${min}` : ''}`;
  if (/^\+?\d+$/.test(text)) return Number(text) < min ? { wrong, hint: null } : { value: Math.min(Number(text), LONGEST_DURATION) };
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)$/i.exec(text) ?? [];
  const factor = unit === undefined ? undefined : { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit.toLowerCase()];
  return { wrong, hint: factor === undefined ? null : `write ${Math.round(Number(amount) * factor)}` };
}

/** `30`, `1.5`, `30s`, `2m`. */
function parseSeconds(text: string): Parsed {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)\s*(ms|s|m)?$/i.exec(text) ?? [];
  const value = Number(amount) * { ms: 0.001, s: 1, m: 60 }[unit.toLowerCase() as 'ms' | 's' | 'm'];
  if (value * 1000 <= LONGEST_DURATION) return { value };
  return { wrong: `${quote(text)} is no number of seconds`, hint: 'for instance 10' };
}

function parseBytes(text: string, min: number): Parsed {
  const [, amount, unit = ''] = /^(\d+)\s*([kmg]?)(?:i?b)?$/i.exec(text) ?? [];
  const value = amount === undefined ? NaN : Number(amount) * 1024 ** ['', 'k', 'm', 'g'].indexOf(unit.toLowerCase());
  if (value >= min && value <= Number.MAX_SAFE_INTEGER) return { value };
  return { wrong: `${quote(text)} is no number of bytes from ${min}`, hint: 'for instance 64MiB' };
}
