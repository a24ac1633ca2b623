import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, sep } from 'node:path';
import { types } from 'node:util';
import { satisfies } from '@opentelemetry/instrumentation/build/src/semver';
import type { InstrumentationEntry, PatchedModule } from './entry.ts';
import type { FindWatch } from './library-loads.ts';
import { locateInPackage, type PackageFile } from './locate.ts';
import { reasonOf, type LibraryReport } from './report.ts';
import { requireHookOfFile, runRequireHooks } from './require-in-the-middle.ts';
import { keepSignature, type Callable } from './wrap.ts';

export interface LibrariesOptions {
  readonly wanted: readonly InstrumentationEntry[];
  /** Null, or why the instrumentation cannot be had. */
  readonly construct: (entry: InstrumentationEntry) => string | null;
  readonly say: (line: string) => void;
  readonly verbose: boolean;
}

export interface Libraries {
  readonly isWanted: (packageName: string) => boolean;
  /** What to do around the evaluation of this file; undefined where no instrumentation wants its package. */
  readonly find: FindWatch;
  readonly noteEsModule: (file: PackageFile) => void;
  readonly reports: readonly LibraryReport[];
}

/** One installed copy of a package. What is done with it is decided when its first file is loaded. */
interface Copy {
  readonly name: string;
  readonly baseDir: string;
  /** Those of instrumentations that patch it; empty where its version is out of range. */
  readonly reports: readonly LibraryReport[];
  readonly files: ReadonlySet<string>;
  main: string | null | undefined;
}

/** Decides for each library that is being loaded which instrumentation it gets, and hands its files over. */
export function createLibraries({ wanted, construct, say, verbose }: LibrariesOptions): Libraries {
  const byPackage = groupByPackage(wanted);
  const copies = new Map<string, Copy>();
  const reports: LibraryReport[] = [];

  const open = ({ name, baseDir }: PackageFile): Copy => {
    const known = copies.get(baseDir);
    if (known !== undefined) return known;
    const { version, dependencies } = readManifest(baseDir);
    const patches = byPackage.get(name) ?? [];
    const own = patches.map(({ entry, module }): LibraryReport => {
      const report = { module: name, version, baseDir, instrumentation: entry.name, files: [] };
      if (!isInRange(version, module)) {
        // `redis` 4 and later is a thin package around `@redis/client`.
        const inner = entry.modules.find((other) => other !== module && dependencies.includes(other.name));
        if (inner !== undefined) return { ...report, state: 'left out', reason: `${inner.name} does its work` };
        const reason = `${name} ${version ?? 'of unknown version'} is not traced: versions ${module.ranges.join(' or ')} are`;
        if (verbose) say(`${reason}.`);
        return { ...report, state: 'out of range', reason };
      }
      const reason = construct(entry);
      return { ...report, state: reason === null ? 'patched' : entry.name === 'router' ? 'left out' : 'failed', reason };
    });
    reports.push(...own);
    const patched = own.filter(({ state }) => state === 'patched');
    const files = new Set(patched.length === 0 ? [] : patches.flatMap(({ module }) => module.files));
    const copy: Copy = { name, baseDir, reports: patched, files, main: undefined };
    copies.set(baseDir, copy);
    return copy;
  };

  const handOver = (copy: Copy, name: string, path: string, exports: unknown): unknown => {
    try {
      const patched = patch(exports, name, copy.baseDir);
      for (const report of copy.reports) report.files.push(path);
      return patched;
    } catch (error) {
      fail(copy, reasonOf(error));
      return exports;
    }
  };

  const fail = (copy: Copy, cause: string): void => {
    const reason = `its instrumentation failed (${cause})`;
    for (const report of copy.reports) Object.assign(report, { state: 'failed', reason });
    say(`${copy.name} is not traced: ${reason}.`);
  };

  return {
    reports,
    isWanted: (packageName) => byPackage.has(packageName),
    find(filename) {
      const file = locateInPackage(filename);
      if (file === undefined || !byPackage.has(file.name)) return watchNamedFile(filename);
      try {
        const copy = open(file);
        const name = hookName(copy, file.path, filename);
        return name === undefined ? undefined : (exports) => handOver(copy, name, file.path, exports);
      } catch (error) {
        say(`${file.name} is not traced: ${reasonOf(error)}.`);
        return undefined;
      }
    },
    noteEsModule(file) {
      for (const report of open(file).reports) report.files.push(file.path);
    },
  };
}

function groupByPackage(wanted: readonly InstrumentationEntry[]) {
  const groups = new Map<string, { readonly entry: InstrumentationEntry; readonly module: PatchedModule }[]>();
  for (const entry of wanted) {
    for (const module of entry.modules) {
      if (!module.builtin) groups.set(module.name, [...(groups.get(module.name) ?? []), { entry, module }]);
    }
  }
  return groups;
}

function isInRange(version: string | null, { ranges }: PatchedModule): boolean {
  return version !== null && ranges.some((range) => satisfies(version, range));
}

/**
 * The namespace of an ES module that was `require`d takes no other values: a copy with them stands in for it, but
 * only where an instrumentation has put any there.
 */
function patch(exports: unknown, name: string, baseDir: string): unknown {
  if (!types.isModuleNamespaceObject(exports)) {
    const patched = runRequireHooks(exports, name, baseDir);
    if (patched !== exports && typeof patched === 'function' && typeof exports === 'function') keepSignature(exports as Callable, patched as Callable);
    return patched;
  }
  const copy: Record<string, unknown> = { ...(exports as object) };
  const patched = runRequireHooks(copy, name, baseDir);
  return patched === copy && Object.entries(exports as object).every(([key, value]) => copy[key] === value) ? exports : patched;
}

/** The name under which instrumentations know a file; undefined for files that none patches. */
function hookName(copy: Copy, path: string, filename: string): string | undefined {
  if (copy.reports.length === 0) return undefined;
  if (copy.files.has(path)) return `${copy.name}${sep}${path.replaceAll('/', sep)}`;
  copy.main ??= mainFile(copy);
  return copy.main === filename ? copy.name : undefined;
}

/** The file that `require` of the package's name leads to, from inside the package itself. */
function mainFile({ name, baseDir }: Copy): string | null {
  try {
    return createRequire(join(baseDir, 'package.json')).resolve(name);
  } catch {
    return null;
  }
}

function readManifest(baseDir: string): { readonly version: string | null; readonly dependencies: readonly string[] } {
  try {
    const { version, dependencies } = JSON.parse(readFileSync(join(baseDir, 'package.json'), 'utf8')) as { version?: unknown; dependencies?: object };
    return { version: typeof version === 'string' ? version : null, dependencies: Object.keys(dependencies ?? {}) };
  } catch {
    return { version: null, dependencies: [] };
  }
}

/** A file that an instrumentation names by its path. */
function watchNamedFile(filename: string): ReturnType<FindWatch> {
  const hook = requireHookOfFile(filename);
  if (hook === undefined) return undefined;
  const cut = filename.lastIndexOf(sep);
  const name = filename.slice(cut + 1).replace(/\.[^.]+$/, '');
  return (exports) => hook(exports, name, filename.slice(0, cut));
}
