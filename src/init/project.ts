import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { findOwnSender } from '../plan/application-env.ts';
import { CONFIG_NAMES, PACKAGE_KEY } from '../settings/find-config.ts';
import { instrumentationOf } from './libraries.ts';

export type PackageManager = 'npm' | 'pnpm' | 'yarn' | 'bun';

/** What a project tells about itself; each finding with the place that told it. */
export interface Project {
  readonly dir: string;
  readonly name: string | null;
  readonly hasManifest: boolean;
  readonly packageManager: { readonly name: PackageManager; readonly from: string };
  /** How it is started. */
  readonly command: { readonly words: readonly [string, ...string[]]; readonly from: string };
  readonly modules: 'ES modules' | 'CommonJS';
  readonly isTypeScript: boolean;
  /** Dependencies that are traced. */
  readonly libraries: readonly string[];
  /** A dependency that sends telemetry by itself. */
  readonly ownSender: string | null;
  readonly hasBuild: boolean;
  readonly dependsOnUs: boolean;
  /** Names of files in `dir` that are there already. */
  readonly dockerfile: string | null;
  readonly settings: string | null;
  readonly files: ReadonlySet<string>;
}

export function lookAtProject(dir: string): Project {
  const manifest = readManifest(join(dir, 'package.json'));
  const files = new Set(readdirSync(dir));
  const packageManager = findPackageManager(dir, manifest);
  const dependencies = [...dependencyNames(manifest)];
  const command = findCommand(dir, manifest, packageManager.name);
  const script = command.words[0] === 'node' ? command.words.slice(1).find((word) => !word.startsWith('-')) : undefined;
  return {
    dir,
    name: textIn(manifest, 'name'),
    hasManifest: manifest !== null,
    packageManager,
    command,
    modules: moduleKind(script, manifest),
    isTypeScript: files.has('tsconfig.json') || /\.[cm]?ts$/.test(script ?? ''),
    libraries: dependencies.filter((name) => instrumentationOf(name) !== null),
    ownSender: findOwnSender(manifest),
    hasBuild: textIn(recordIn(manifest, 'scripts'), 'build') !== null,
    dependsOnUs: dependencies.includes('otel-run'),
    dockerfile: ['Dockerfile', 'dockerfile', 'Containerfile'].find((name) => files.has(name)) ?? null,
    settings: findSettings(dir, manifest),
    files,
  };
}

type Manifest = Readonly<Record<string, unknown>>;

const lockFiles: readonly (readonly [string, PackageManager])[] = [
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
];

function findPackageManager(dir: string, manifest: Manifest | null): Project['packageManager'] {
  const named = /^(npm|pnpm|yarn|bun)@/.exec(textIn(manifest, 'packageManager') ?? '')?.[1];
  if (named !== undefined) return { name: named as PackageManager, from: 'packageManager in package.json' };
  // The lock file of a workspace stands at its root.
  for (let at = resolve(dir); ; at = dirname(at)) {
    const found = lockFiles.find(([file]) => existsSync(join(at, file)));
    if (found !== undefined) return { name: found[1], from: at === resolve(dir) ? found[0] : join(at, found[0]) };
    if (existsSync(join(at, '.git')) || at === dirname(at)) return { name: 'npm', from: 'no lock file' };
  }
}

const folders = ['', 'src/', 'dist/', 'build/'];
const stems = ['server', 'index', 'app', 'main'];
const extensions = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];

function findCommand(dir: string, manifest: Manifest | null, packageManager: PackageManager): Project['command'] {
  const start = textIn(recordIn(manifest, 'scripts'), 'start');
  if (start !== null) {
    const words = nodeCommand(start);
    return words === null ? { words: [packageManager, 'start'], from: `scripts.start: ${start}` } : { words, from: 'scripts.start' };
  }
  const main = textIn(manifest, 'main');
  if (main !== null && isFile(join(dir, main))) return { words: ['node', main], from: 'main in package.json' };
  for (const folder of folders) {
    for (const stem of stems) {
      for (const extension of extensions) {
        const file = `${folder}${stem}${extension}`;
        if (isFile(join(dir, file))) return { words: ['node', file], from: 'a usual name' };
      }
    }
  }
  return { words: ['node', 'server.js'], from: 'a guess: no start script, no main, no file of a usual name' };
}

/** The words of a script that is one plain call of Node; null for what a shell has to read. */
function nodeCommand(script: string): readonly [string, ...string[]] | null {
  if (/[^\w\s./:=@,+-]/.test(script)) return null;
  const [first, ...rest] = script.trim().split(/\s+/).filter((word, at, all) => !(word === 'otel-run' && at === 0) && !(word === '--' && at === 1 && all[0] === 'otel-run'));
  return first === 'node' && rest.length > 0 && !rest.includes('--watch') ? [first, ...rest] : null;
}

function moduleKind(script: string | undefined, manifest: Manifest | null): Project['modules'] {
  const extension = extname(script ?? '');
  if (/^\.m[jt]s$/.test(extension)) return 'ES modules';
  if (/^\.c[jt]s$/.test(extension)) return 'CommonJS';
  return textIn(manifest, 'type') === 'module' ? 'ES modules' : 'CommonJS';
}

function findSettings(dir: string, manifest: Manifest | null): string | null {
  if (recordIn(manifest, PACKAGE_KEY) !== null) return `the key ${PACKAGE_KEY} in package.json`;
  return CONFIG_NAMES.find((name) => name !== 'package.json' && existsSync(join(dir, name))) ?? null;
}

function* dependencyNames(manifest: Manifest | null): Generator<string> {
  for (const key of ['dependencies', 'optionalDependencies', 'devDependencies', 'peerDependencies']) yield* Object.keys(recordIn(manifest, key) ?? {});
}

function readManifest(path: string): Manifest | null {
  try {
    if (!isFile(path)) return null;
    const content: unknown = JSON.parse(readFileSync(path, 'utf8').replace(/^\ufeff/, ''));
    return isRecord(content) ? content : null;
  } catch {
    return null;
  }
}

function recordIn(parent: Manifest | null, key: string): Manifest | null {
  const value = parent?.[key];
  return isRecord(value) ? value : null;
}

function textIn(parent: Manifest | null, key: string): string | null {
  const value = parent?.[key];
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}

function isRecord(value: unknown): value is Manifest {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
