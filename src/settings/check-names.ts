import type { ConfigFile, FileEntry } from './file-node.ts';
import { OTEL_NAMES, OTEL_RUN_NAMES, UNHONOURED } from './known-names.ts';
import { findNearest } from './nearest.ts';
import { problemAt, quote } from './origin.ts';
import { table, type Setting } from './table.ts';
import type { Env, Origin, Problem } from './types.ts';

/** Variables that are misspelt, or that cannot be honoured. Those of other languages are normal. */
export function checkVariables(env: Env, say: (problem: Problem) => void): void {
  for (const name of Object.keys(env)) {
    if (!name.startsWith('OTEL_') || (env[name]?.trim() ?? '') === '') continue;
    const origin: Origin = { kind: 'env', name };
    const unhonoured = Object.hasOwn(UNHONOURED, name) ? UNHONOURED[name] : undefined;
    if (unhonoured !== undefined) {
      say(problemAt(origin, unhonoured.text, { severity: unhonoured.severity }));
    } else if (name.startsWith('OTEL_RUN_')) {
      if (OTEL_RUN_NAMES.has(name)) continue;
      // All of a short word's letters changed is another word.
      const within = Math.min(3, Math.floor((name.length - 'OTEL_RUN_'.length) / 2));
      const nearest = findNearest(name, OTEL_RUN_NAMES, within);
      say(problemAt(origin, 'no setting of otel-run has this name; it is not used', { strict: true, hint: nearest && `did you mean ${nearest}?` }));
    } else if (!OTEL_NAMES.has(name)) {
      const nearest = findNearest(name, OTEL_NAMES);
      if (nearest !== null) say(problemAt(origin, 'OpenTelemetry knows no such variable; it is not used', { hint: `did you mean ${nearest}?` }));
    }
  }
}

const KEYS = Object.entries<Setting>(table).flatMap(([key, setting]) => (setting.inFile === false ? [] : [key]));
const SETTINGS: ReadonlySet<string> = new Set(KEYS);
const BRANCHES: ReadonlySet<string> = new Set(KEYS.flatMap((key) => key.split('.').map((_, index, parts) => parts.slice(0, index).join('.'))));

/** Keys of the file that no setting has. */
export function checkKeys(file: ConfigFile, say: (problem: Problem) => void): void {
  const { root } = file;
  const found: Problem[] = [];
  if (root.kind === 'map') for (const entry of root.entries) checkKey('', entry, file, (problem) => void found.push(problem));
  for (const problem of found.slice(0, MOST_REPORTED)) say(problem);
  const rest = found.length - MOST_REPORTED;
  if (rest > 0) say(problemAt({ kind: 'file', name: '', file: file.path }, `${rest} more keys are unknown`, { severity: 'error', strict: true }));
}

/** A file that was made for another program has no key of ours. */
const MOST_REPORTED = 5;

function checkKey(parent: string, entry: FileEntry, file: ConfigFile, say: (problem: Problem) => void): void {
  const path = parent === '' ? entry.key : `${parent}.${entry.key}`;
  if (SETTINGS.has(path) && !entry.key.includes('.')) return;
  const origin: Origin = { kind: 'file', name: '', file: file.path, ...entry.at };
  if (BRANCHES.has(path) && !entry.key.includes('.')) {
    const { value } = entry;
    if (value.kind === 'map') for (const inner of value.entries) checkKey(path, inner, file, say);
    else if (value.kind !== 'scalar' || value.text !== '') say(problemAt(origin, `${quote(path)} holds further keys, no value; it is not used`, { severity: 'error', strict: true, hint: `one of ${children(path).join(', ')}` }));
    return;
  }
  say(problemAt(origin, `unknown key ${quote(path)}; it is not used`, { severity: 'error', strict: true, hint: suggestKey(parent, entry.key) }));
}

function suggestKey(parent: string, key: string): string {
  const siblings = children(parent);
  const sibling = findNearest(key, siblings);
  if (sibling !== null) return `did you mean ${quote(sibling)}?`;
  // `serviceName`, `service_name`, `service.name`, or the right key in the wrong place.
  const plain = plainWord(key);
  const elsewhere = KEYS.find((candidate) => [plainWord(candidate), plainWord(candidate.split('.').at(-1)!)].includes(plain));
  if (elsewhere !== undefined) return elsewhere.includes('.') ? `did you mean ${quote(elsewhere)}, written as ${elsewhere.split('.').join(': { ')}: …${' }'.repeat(elsewhere.split('.').length - 1)}?` : `did you mean ${quote(elsewhere)}?`;
  return `one of ${siblings.join(', ')}`;
}

function children(parent: string): string[] {
  const prefix = parent === '' ? '' : `${parent}.`;
  return [...new Set(KEYS.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length).split('.', 1)[0]!))];
}

function plainWord(key: string): string {
  return key.replace(/[^a-z0-9]/gi, '').toLowerCase();
}
