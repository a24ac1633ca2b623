import { dirname, resolve } from 'node:path';
import { type FileNode, readScalar } from './file-node.ts';
import { INSTRUMENTATION_NAMES } from './instrumentation-names.ts';
import { findNearest } from './nearest.ts';
import { DEFAULT_ORIGIN, problemAt, quote } from './origin.ts';
import { resolveDestinations } from './resolve-destinations.ts';
import { resolveMap } from './resolve-map.ts';
import { at, describeInstead, fileOrigin, findNode, findStrongest, readNodeText, readText, type Sources } from './sources.ts';
import type { Setting } from './table.ts';
import type { Origin, Resolved } from './types.ts';
import { resolveViews } from './views.ts';
import { type ListSetting, parseList, parseText, type TextSetting } from './values.ts';

/** The value of one setting: from its strongest source, or for maps from all of them. */
export function resolveValue(key: string, setting: Setting, sources: Sources): Resolved<unknown> {
  switch (setting.type) {
    case 'map':
    case 'headers':
      return resolveMap(key, setting, sources);
    case 'options':
      return resolveOptions(key, sources);
    case 'destinations':
      return resolveDestinations(key, sources, resolveValue);
    case 'views':
      return resolveViews(key, sources);
    case 'list':
      return resolveList(key, setting, sources);
    default:
      return resolveText(key, setting, sources);
  }
}

function resolveText(key: string, setting: TextSetting, sources: Sources): Resolved<unknown> {
  const given = findStrongest(key, setting, sources);
  const unset = { value: setting.default, origin: DEFAULT_ORIGIN };
  if (given === null) return unset;
  const { origin } = given;
  if (given.flag === true) return { value: true, origin };
  const text = given.node === undefined ? given.flag ?? '' : readText(given.node, origin, sources, setting);
  if (text === null) return { ...unset, rejected: origin };
  if (text === '') return unset;
  const parsed = parseText(setting, text, origin.name.startsWith('OTEL_RUN_'));
  // In a file, which is ours, a word that is no boolean is a mistake and no `false`.
  if (parsed.value === undefined || (parsed.wrong !== undefined && origin.kind === 'file')) {
    sources.say(problemAt(origin, `${parsed.wrong}; ${describeInstead(setting)}`, { severity: 'error', strict: true, hint: 'hint' in parsed ? parsed.hint : null }));
    return { ...unset, rejected: origin };
  }
  if (parsed.wrong !== undefined) sources.say(problemAt(origin, `${parsed.wrong}; it counts as ${String(parsed.value)}`, { strict: true }));
  return { value: setting.type === 'path' ? locate(text, origin, sources) : parsed.value, origin };
}

function resolveList(key: string, setting: ListSetting, sources: Sources): Resolved<unknown> {
  const given = findStrongest(key, setting, sources);
  const unset = { value: setting.default, origin: DEFAULT_ORIGIN };
  if (given === null) return unset;
  const { origin, node } = given;
  const rejected = { value: setting.emptied ? [] : setting.default, origin: DEFAULT_ORIGIN, rejected: origin };
  let words: string[] = [];
  if (node?.kind === 'list') {
    for (const item of node.items) words.push(readText(item, at(origin, item), sources, setting) ?? '');
  } else {
    const text = node === undefined ? String(given.flag ?? '') : readText(node, origin, sources, setting);
    if (text === null) return rejected;
    words = text.split(setting.form === 'pattern' ? '\n' : ',');
  }
  // A list that somebody wrote as empty (`[]`) is empty; an empty variable is unset.
  if (words.every((word) => word.trim() === '')) return node?.kind === 'list' && node.items.length === 0 ? { value: [], origin } : unset;
  const { value, faults } = parseList(setting, words);
  const failed = faults.length > 0 && faults.every(({ effect }) => effect === undefined) && value?.length === 0;
  for (const { wrong, hint, effect } of faults) {
    const holds = effect ?? (failed ? describeInstead(setting) : 'the others hold');
    sources.say(problemAt(origin, `${wrong}; ${holds}`, { severity: 'error', strict: true, hint }));
  }
  return failed ? rejected : { value, origin };
}

function resolveOptions(key: string, sources: Sources): Resolved<Readonly<Record<string, unknown>>> {
  const node = findNode(key, sources.file);
  if (node === null || (node.kind === 'scalar' && readScalar(node) === null)) return { value: {}, origin: DEFAULT_ORIGIN };
  const origin = fileOrigin(key, node, sources.file!);
  if (node.kind !== 'map') {
    sources.say(problemAt(origin, 'expected names of instrumentations with their options; it is not used', { severity: 'error', strict: true }));
    return { value: {}, origin: DEFAULT_ORIGIN, rejected: origin };
  }
  const value: Record<string, unknown> = {};
  for (const entry of node.entries) {
    const name = entry.key.replace(/^@opentelemetry\/instrumentation-/, '');
    const fault = !NAMES.has(name) ? `${quote(entry.key)} is no instrumentation` : entry.value.kind !== 'map' ? 'expected options with values' : null;
    const nearest = fault !== null && !NAMES.has(name) ? findNearest(name, NAMES) : null;
    const where = fileOrigin(`${key}.${entry.key}`, entry.value, sources.file!);
    if (fault === null) value[name] = readData(entry.value, where, sources);
    else sources.say(problemAt({ ...where, ...entry.at }, `${fault}; it is not used`, { severity: 'error', strict: true, hint: nearest && `did you mean ${quote(nearest)}?` }));
  }
  return { value, origin };
}

const NAMES: ReadonlySet<string> = new Set(INSTRUMENTATION_NAMES);

function readData(node: FileNode, origin: Origin, sources: Sources): unknown {
  switch (node.kind) {
    case 'list':
      return node.items.map((item) => readData(item, at(origin, item), sources));
    case 'map':
      return Object.fromEntries(node.entries.map(({ key, value }) => [key, readData(value, { ...at(origin, value), name: `${origin.name}.${key}` }, sources)]));
    case 'scalar':
      return readScalar({ text: readNodeText(node, origin, sources), quoted: node.quoted });
    case 'other':
      sources.say(problemAt(origin, `${node.what} is no data; it is not used`, { severity: 'error', strict: true }));
      return null;
  }
}

/** A path in a file is relative to the file, elsewhere to the working directory. */
function locate(path: string, origin: Origin, { cwd }: Sources): string {
  return resolve(origin.kind === 'file' && origin.file !== undefined ? dirname(origin.file) : cwd, path);
}
