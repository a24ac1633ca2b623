import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync, type Stats } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { findContainer } from '../plan/container.ts';
import { flagName } from './flags.ts';
import { problemAt, quotePath } from './origin.ts';
import { table } from './table.ts';
import { findOpenDoor, findUs, type Us } from './trust.ts';
import type { Env, Flags, Origin, Problem } from './types.ts';

export interface FindInput {
  readonly flags: Flags;
  readonly env: Env;
  readonly cwd: string;
  /** Where the search ends at the latest; HOME of the environment where it is not given. */
  readonly home?: string | undefined;
  /** Whether all of this is a container's; looked for where it is not given. */
  readonly inContainer?: boolean | undefined;
}

/** Where a config file may be; nothing has been read yet but a `package.json` whose key decides. */
export type Findings = { readonly problems: readonly Problem[] } & (
  | { readonly kind: 'none' }
  /** Folders, the nearest first, with the files in them that may be read, the strongest first. */
  | { readonly kind: 'found'; readonly places: readonly Place[] }
  | { readonly kind: 'named'; readonly path: string; readonly origin: Origin }
  /** A module that `--config` names: the only code that is ever run. */
  | { readonly kind: 'code'; readonly path: string; readonly origin: Origin }
);

export interface Place {
  readonly dir: string;
  /** Paths below `dir`. */
  readonly names: readonly string[];
}

/** In the order in which they win within one folder. */
export const CONFIG_NAMES = [
  'otel-run.config.yaml', 'otel-run.config.yml', 'otel-run.config.json',
  '.otel-runrc', '.otel-runrc.yaml', '.otel-runrc.yml', '.otel-runrc.json',
  '.config/otel-run.yaml', '.config/otel-run.yml', '.config/otel-run.json',
  'package.json',
] as const;

/** The key in package.json. */
export const PACKAGE_KEY = 'otel-run';

const LARGEST_FILE = 1024 * 1024;
const CODE = new Set(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts']);

/** Looks for config files by listing folders: the common run, which has none, must pay for no parser. */
export function findConfig(input: FindInput): Findings {
  const named = findNamed(input);
  if (named !== null) return readNamed(named, usOf(input));
  if (isTold('noConfig', input)) return { kind: 'none', problems: [] };
  const us = usOf(input);
  const problems: Problem[] = [];
  const places: Place[] = [];
  for (const { dir, names } of walkUp(input.cwd, input.home ?? input.env.HOME ?? input.env.USERPROFILE)) {
    const usable = names.filter((name) => (name === 'package.json' ? hasPackageKey(join(dir, name)) : true)).filter((name) => mayBeUsed(join(dir, name), dir, us, problems));
    if (usable.length === 0) continue;
    if (usable.length > 1) problems.push(problemAt({ kind: 'file', name: '', file: join(dir, usable[1]!) }, `not read: ${usable[0]} stands beside it and wins`));
    places.push({ dir, names: usable });
  }
  return places.length === 0 ? { kind: 'none', problems } : { kind: 'found', places, problems };
}

function findNamed({ flags, env, cwd }: FindInput): { readonly path: string; readonly origin: Origin } | null {
  const flag = flags[flagName(table.config.flag)];
  if (typeof flag === 'string' && flag !== '') return { path: resolve(cwd, flag), origin: { kind: 'flag', name: '--config' } };
  if (isTold('noConfig', { flags, env: {} })) return null;
  const [name] = table.config.env;
  const text = env[name]?.trim() ?? '';
  return text === '' ? null : { path: resolve(cwd, text), origin: { kind: 'env', name } };
}

function isTold(key: 'noConfig', { flags, env }: Pick<FindInput, 'flags' | 'env'>): boolean {
  const [name] = table[key].env;
  return flags[flagName(table[key].flag)] === true || /^(?:true|1)$/i.test(env[name]?.trim() ?? '');
}

function usOf({ env, inContainer }: FindInput): Us {
  return findUs(env, inContainer ?? findContainer(env, process.pid, existsSync) !== null);
}

function readNamed({ path, origin }: { readonly path: string; readonly origin: Origin }, us: Us): Findings {
  const stat = inspect(path);
  const fault = typeof stat === 'string' ? `cannot be read (${stat})` : findFault(stat, path);
  if (fault !== null) return { kind: 'none', problems: [problemAt(origin, `${quotePath(path)} ${fault}; no config file is used`, { severity: 'error', strict: true })] };
  const door = findOpenDoor(path, dirname(path), us);
  const problems = door?.toAll === true ? [problemAt(origin, `${door.fault}; it is used because it was named`, { hint: door.remedy })] : [];
  return { kind: CODE.has(extname(path)) ? 'code' : 'named', path, origin, problems };
}

/** Folders from `cwd` up to the first with a package.json or .git, or home, each with the candidates in it. */
function* walkUp(cwd: string, home: string | undefined): Generator<Place> {
  const last = home === undefined || home === '' ? null : resolve(home);
  for (let dir = resolve(cwd); ; dir = dirname(dir)) {
    const listed = new Set(list(dir));
    const inner = listed.has('.config') ? list(join(dir, '.config')).map((name) => `.config/${name}`) : [];
    const present = new Set([...listed, ...inner]);
    const names = CONFIG_NAMES.filter((name) => present.has(name));
    if (names.length > 0) yield { dir, names };
    if (listed.has('package.json') || listed.has('.git') || dir === last || dir === dirname(dir)) return;
  }
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function hasPackageKey(path: string): boolean {
  try {
    const stat = statSync(path);
    if (!stat.isFile() || stat.size > LARGEST_FILE) return false;
    const text = readFileSync(path, 'utf8');
    if (!text.includes(`"${PACKAGE_KEY}"`)) return false;
    const content: unknown = JSON.parse(text.replace(/^\ufeff/, ''));
    return typeof content === 'object' && content !== null && Object.hasOwn(content, PACKAGE_KEY);
  } catch {
    // A broken package.json is for npm to complain about.
    return false;
  }
}

function mayBeUsed(path: string, folder: string, us: Us, problems: Problem[]): boolean {
  const origin: Origin = { kind: 'file', name: '', file: path };
  const stat = inspect(path);
  if (stat === 'ENOENT') return false;
  const fault = typeof stat === 'string' ? `cannot be read (${stat})` : stat.isDirectory() ? 'is a folder' : findFault(stat, path);
  if (fault !== null) {
    problems.push(problemAt(origin, `${fault}; it is not used`, { severity: 'error', strict: true }));
    return false;
  }
  const door = findOpenDoor(path, folder, us);
  if (door === null) return true;
  problems.push(problemAt(origin, `${door.fault}; it is not used`, { hint: `${door.remedy}, or name it: --config ${quotePath(path)}` }));
  return false;
}

function inspect(path: string): Stats | string {
  try {
    return statSync(path);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'failed';
  }
}

/** A pipe or device would block or never end. */
function findFault(stat: Stats, path: string): string | null {
  if (!stat.isFile()) return 'is no regular file';
  if (stat.size > LARGEST_FILE) return `is larger than ${LARGEST_FILE / 1024 / 1024} MiB`;
  return canAccess(path, constants.R_OK) ? null : 'cannot be read (EACCES)';
}

function canAccess(path: string, mode: number): boolean {
  return attempt(() => (accessSync(path, mode), true)) ?? false;
}

function attempt<T>(action: () => T): T | null {
  try {
    return action();
  } catch {
    return null;
  }
}
