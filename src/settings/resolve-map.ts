import { resolve } from 'node:path';
import { type FileNode, readScalar } from './file-node.ts';
import { flagName } from './flags.ts';
import { DEFAULT_ORIGIN, problemAt, quote, quotePath } from './origin.ts';
import { parsePairs, splitPair } from './pairs.ts';
import { fileOrigin, findNode, isCredential, readText, type Sources } from './sources.ts';
import { substitute } from './substitute.ts';
import type { Flags, Origin, Resolved } from './types.ts';
import type { MapSetting } from './values.ts';

/** Resource attributes and headers: all sources together, entry by entry the strongest. */
export function resolveMap(key: string, setting: MapSetting, sources: Sources): Resolved<Readonly<Record<string, string>>> {
  const entries = new Map<string, { value: string; origin: Origin; file: string | null }>();
  const add: Add = (name, value, origin, file = null) => {
    const entry = setting.type === 'headers' ? name.toLowerCase() : name;
    const wrong = setting.type === 'headers' ? findHeaderFault(name, value) : null;
    if (wrong === null) entries.set(entry, { value, origin, file });
    else sources.say(problemAt(origin, `${wrong}; it is not sent`, { severity: 'error', strict: true }));
  };
  // The weakest source first: a stronger one replaces entries of the same name.
  const node = findNode(key, sources.file);
  if (node !== null) addFromFile(key, node, setting, sources, add);
  for (const name of setting.env.toReversed()) addFromVariable(name, setting, sources, add);
  for (const text of readFlags(setting, sources.flags)) addFromFlag(text, setting, sources, add);

  const origins = [...entries.values()].map(({ origin }) => origin);
  return {
    value: Object.fromEntries([...entries].map(([name, { value }]) => [name, value])),
    origin: origins.at(-1) ?? DEFAULT_ORIGIN,
    parts: Object.fromEntries([...entries].map(([name, { origin }]) => [name, origin])),
    files: Object.fromEntries([...entries].flatMap(([name, { file }]) => (file === null ? [] : [[name, file]]))),
  };
}

type Add = (name: string, value: string, origin: Origin, file?: string | null) => void;

function addFromFile(key: string, node: FileNode, setting: MapSetting, sources: Sources, add: Add): void {
  if (node.kind === 'scalar' && readScalar(node) === null) return;
  if (node.kind !== 'map') return sources.say(problemAt(fileOrigin(key, node, sources.file!), 'expected names with values; it is not used', { severity: 'error', strict: true }));
  for (const { key: name, value } of node.entries) {
    const origin = fileOrigin(`${key}.${name}`, value, sources.file!);
    const text = readText(value, origin, sources, setting);
    if (text !== null && text !== '') add(name, text, origin);
  }
}

function addFromVariable(name: string, setting: MapSetting, sources: Sources, add: Add): void {
  const text = sources.env[name]?.trim() ?? '';
  if (text === '') return;
  const origin: Origin = { kind: 'env', name };
  const { pairs, wrong } = parsePairs(text);
  if (setting.type === 'headers') {
    sources.noteCredential(name);
    for (const [index] of wrong.entries()) sources.say(problemAt(origin, `${wrong.length > 1 ? `${index + 1} of the parts` : 'a part'} is no name=value; it is not sent`, { severity: 'error', strict: true }));
    for (const pair of pairs.filter(({ raw }) => raw)) sources.say(problemAt(origin, `the value of ${quote(pair.key)} is no valid percent-encoding; sent as it stands`, { hint: 'write % as %25', strict: true }));
    for (const { key, value } of pairs) add(key, value, origin);
    return;
  }
  // The specification discards the whole variable where it cannot be read.
  const broken = wrong[0] ?? pairs.find(({ raw }) => raw)?.key;
  if (broken !== undefined) {
    const fault = wrong.length > 0 ? `${quote(broken)} is no key=value` : `the value of ${quote(broken)} is no valid percent-encoding`;
    return sources.say(problemAt(origin, `${fault}; none of it is used`, { severity: 'error', strict: true, hint: wrong.length > 0 ? null : 'write % as %25' }));
  }
  for (const { key, value } of pairs) add(key, value, origin);
}

function addFromFlag(text: string, setting: MapSetting, sources: Sources, add: Add): void {
  const origin: Origin = { kind: 'flag', name: `--${flagName(setting.flag!)}` };
  const pair = splitPair(text);
  if (pair === null) {
    const shown = setting.type === 'headers' ? 'a value' : quote(text);
    const form = setting.type === 'headers' ? 'name=value' : 'key=value';
    return sources.say(problemAt(origin, `${shown} is no ${form}; it is not used`, { severity: 'error', strict: true }));
  }
  if (setting.type !== 'headers') return add(pair.key, pair.value, origin);
  const value = readHeaderFlag(pair.key, pair.value, origin, sources);
  if (value !== null) add(pair.key, value, origin, fileOf(pair.value, sources));
}

/** `name=@file`, `name=${VAR}`, `name=value`. */
function readHeaderFlag(name: string, text: string, origin: Origin, sources: Sources): string | null {
  const path = fileOf(text, sources);
  if (path !== null) return readHeaderFile(name, path, origin, sources);
  const result = substitute(text, sources.env);
  for (const used of result.names) if (isCredential(name, used)) sources.noteCredential(used);
  if (result.wrong !== null || result.unset.length > 0) {
    const fault = result.wrong !== null ? `${quote(result.wrong)} names no variable` : `${result.unset[0]} is not set`;
    sources.say(problemAt(origin, `${fault}; the header ${quote(name)} is not sent`, { severity: 'error', strict: true }));
    return null;
  }
  if (result.names.length === 0) {
    sources.say(problemAt(origin, `others can read the value of ${quote(name)} on the command line`, { hint: `write '${name}=@file' or '${name}=\${VARIABLE}'` }));
  }
  return result.text;
}

/** The value of a header that stands in a file; null, and a word, where there is none. */
export function readHeaderFile(name: string, path: string, origin: Origin, { readText, say }: Sources): string | null {
  try {
    const value = readText(path).trim();
    if (value !== '') return value;
    say(problemAt(origin, `${quotePath(path)} is empty; the header ${quote(name)} is not sent`, { severity: 'error', strict: true }));
  } catch (error) {
    say(problemAt(origin, `${quotePath(path)} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'failed'}); the header ${quote(name)} is not sent`, { severity: 'error', strict: true }));
  }
  return null;
}

function fileOf(text: string, { cwd }: Sources): string | null {
  return text.startsWith('@') ? resolve(cwd, text.slice(1)) : null;
}

/** https://www.rfc-editor.org/rfc/rfc9110#name-field-names; a value with a line break would make Node throw. */
export function findHeaderFault(name: string, value: string): string | null {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return `${quote(name)} is no name of a header`;
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value) ? null : `the value of the header ${quote(name)} holds characters that no header may have`;
}

function readFlags(setting: MapSetting, flags: Flags): readonly string[] {
  const given = setting.flag === undefined ? undefined : flags[flagName(setting.flag)];
  return typeof given === 'string' ? [given] : typeof given === 'object' ? given : [];
}
