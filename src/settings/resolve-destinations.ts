/** `destinations` of the config file: further OTLP backends, each with settings of its own. */
import { dirname, resolve } from 'node:path';
import { destinationTable } from './destination-table.ts';
import { readScalar, type FileEntry } from './file-node.ts';
import { hintAmong } from './nearest.ts';
import { DEFAULT_ORIGIN, FAULT, originGiven, problemAt, quote } from './origin.ts';
import { findHeaderFault, readHeaderFile } from './resolve-map.ts';
import { at, fileOrigin, findNode, type Sources } from './sources.ts';
import type { Setting, Value } from './table.ts';
import type { Origin, Problem, Resolved } from './types.ts';

type Table = typeof destinationTable;
type Part = keyof Table;

/** The settings of one destination. */
export type NamedSettings = { readonly [P in Part]: Resolved<Value<Table[P]>> } & { readonly origin: Origin };

const PARTS = Object.keys(destinationTable) as Part[];

/** The settings of each destination, by name. `find` finds one of them. */
export function resolveDestinations(
  key: string,
  sources: Sources,
  find: (key: string, setting: Setting, sources: Sources) => Resolved<unknown>,
): Resolved<Readonly<Record<string, NamedSettings>>> {
  const node = findNode(key, sources.file);
  if (node === null || (node.kind === 'scalar' && readScalar(node) === null)) return { value: {}, origin: DEFAULT_ORIGIN };
  const origin = fileOrigin(key, node, sources.file!);
  if (node.kind !== 'map') {
    sources.say(problemAt(origin, 'expected names, each with its settings; it is not used', FAULT));
    return { value: {}, origin: DEFAULT_ORIGIN, rejected: origin };
  }
  const value: Record<string, NamedSettings> = {};
  for (const entry of node.entries) {
    const name = entry.key;
    const where = { ...origin, ...entry.at, name: `${key}.${name}` };
    const fault = findFault(entry);
    if (fault !== null) {
      sources.say(problemAt(where, `${fault}; nothing is sent there`, FAULT));
      continue;
    }
    checkParts(entry, where, sources.say);
    const parts = PARTS.map((part) => [part, find(`${key}.${name}.${part}`, destinationTable[part], sources)] as const);
    const settings = { ...Object.fromEntries(parts), origin: where } as NamedSettings;
    value[name] = { ...settings, headers: withFiles(settings, sources) };
  }
  return { value, origin };
}

/** The headers, those from files among them. A path is relative to the config file. */
function withFiles({ headers, headerFiles }: NamedSettings, sources: Sources): NamedSettings['headers'] {
  const found = Object.entries(headerFiles.value).flatMap(([key, text]) => {
    const name = key.toLowerCase();
    const origin = headerFiles.parts?.[key] ?? headerFiles.origin;
    const path = resolve(dirname(sources.file!.path), text);
    const value = readHeaderFile(name, path, origin, sources);
    const fault = value === null ? null : findHeaderFault(name, value);
    if (fault !== null) sources.say(problemAt(origin, `${fault}; it is not sent`, FAULT));
    return value === null || fault !== null ? [] : [{ name, value, path, origin }];
  });
  const entries = <T>(pick: (one: (typeof found)[number]) => T): Record<string, T> => Object.fromEntries(found.map((one) => [one.name, pick(one)]));
  return {
    ...headers,
    value: { ...headers.value, ...entries(({ value }) => value) },
    origin: originGiven(headers) === null && found.length > 0 ? headerFiles.origin : headers.origin,
    parts: { ...headers.parts, ...entries(({ origin }) => origin) },
    files: entries(({ path }) => path),
  };
}

function findFault({ key, value }: FileEntry): string | null {
  if (!/^[\w-]+$/.test(key)) return `${quote(key)} is no name: letters, digits, - and _`;
  return value.kind === 'map' ? null : `expected ${PARTS.slice(0, 3).join(', ')} …`;
}

function checkParts({ key, value }: FileEntry, where: Origin, say: (problem: Problem) => void): void {
  if (value.kind !== 'map') return;
  for (const { key: part, at: place } of value.entries) {
    if (part in destinationTable) continue;
    say(problemAt({ ...at(where, place), name: '' }, `unknown key ${quote(`destinations.${key}.${part}`)}; it is not used`, { ...FAULT, hint: hintAmong(part === 'url' ? 'endpoint' : part, PARTS) }));
  }
}
