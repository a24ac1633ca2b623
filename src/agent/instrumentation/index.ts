import type { TracerProvider } from '@opentelemetry/api';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, sep } from 'node:path';
import { satisfies } from '@opentelemetry/instrumentation/build/src/semver';
import type { AgentPlan } from '../../plan/types.ts';
import { watchBuiltinLoads } from './builtin-loads.ts';
import { entryKind } from './entry-kind.ts';
import type { InstrumentationEntry, PatchedModule } from './entry.ts';
import { watchEsModules } from './es-modules.ts';
import { watchLibraryLoads, type FileWatch } from './library-loads.ts';
import { locateInPackage, type PackageFile } from './locate.ts';
import { instrumentationOptions } from './options.ts';
import { requireHookOfFile, runRequireHooks } from './require-in-the-middle.ts';
import { routerTracerProvider } from './router-layers.ts';
import { instrumentationTable } from './table.ts';

/** What became of one library that the application loaded. */
export interface LibraryReport {
  readonly module: string;
  readonly version: string | null;
  readonly baseDir: string | null;
  readonly instrumentation: string;
  state: 'patched' | 'out of range' | 'failed';
  /** Names of the files that were handed to the instrumentation. */
  readonly files: string[];
  readonly reason: string | null;
}

export interface InstrumentationReport {
  /** Names of the instrumentations that were constructed. */
  readonly constructed: readonly string[];
  readonly libraries: readonly LibraryReport[];
}

/** Where the report of this process is found (`doctor` and the tests ask): a function that returns it. */
export const REPORT_SYMBOL = Symbol.for('otel-run.instrumentations');

/**
 * Has every wanted instrumentation constructed when the application first loads its library, and not before.
 * `say` takes lines about what could not be done.
 */
export function installInstrumentations(plan: AgentPlan, provider: TracerProvider, say: (line: string) => void = () => {}): void {
  const wanted = instrumentationTable.filter((entry) => isWanted(entry, plan.instrumentations));
  const constructed = new Map<string, boolean>();
  const libraries: LibraryReport[] = [];
  Object.defineProperty(globalThis, REPORT_SYMBOL, {
    value: (): InstrumentationReport => ({ constructed: [...constructed].filter(([, alive]) => alive).map(([name]) => name), libraries }),
    configurable: true,
  });

  /** False where it cannot be had. */
  const construct = (entry: InstrumentationEntry): boolean => {
    const known = constructed.get(entry.name);
    if (known !== undefined) return known;
    constructed.set(entry.name, true);
    try {
      const instrumentation = new (entry.load())(instrumentationOptions(entry.name, plan.instrumentations));
      const layers = () => plan.instrumentations.expressLayers === 'all' && constructed.get('express') !== true;
      instrumentation.setTracerProvider(entry.name === 'router' ? routerTracerProvider(provider, layers) : provider);
      return true;
    } catch (error) {
      constructed.set(entry.name, false);
      say(`${entry.name} is not traced: its instrumentation failed to start (${reasonOf(error)}).`);
      return false;
    }
  };

  for (const entry of wanted) if (hasNothingToWaitFor(entry)) construct(entry);
  watchLibraries(wanted, { construct, libraries, verbose: plan.verbosity === 'verbose', say });
  watchBuiltins(wanted, construct);
}

function isWanted({ name, offByDefault }: InstrumentationEntry, { only, disabled }: AgentPlan['instrumentations']): boolean {
  if (disabled.includes(name)) return false;
  return only === null ? !offByDefault : only.includes(name);
}

/** `undici` listens on a diagnostics channel; the handler of an AWS Lambda function is named by the environment. */
function hasNothingToWaitFor({ name, modules }: InstrumentationEntry): boolean {
  if (modules.length > 0) return false;
  return name !== 'aws-lambda' || process.env._HANDLER !== undefined;
}

interface Watching {
  readonly construct: (entry: InstrumentationEntry) => boolean;
  readonly libraries: LibraryReport[];
  readonly verbose: boolean;
  readonly say: (line: string) => void;
}

function watchLibraries(wanted: readonly InstrumentationEntry[], { construct, libraries, verbose, say }: Watching): void {
  const byPackage = new Map<string, { readonly entry: InstrumentationEntry; readonly module: PatchedModule }[]>();
  for (const entry of wanted) {
    for (const module of entry.modules) {
      if (module.builtin) continue;
      const list = byPackage.get(module.name) ?? [];
      byPackage.set(module.name, [...list, { entry, module }]);
    }
  }

  /** One installed copy of a package: what is done with it is decided when its first file is loaded. */
  interface Copy {
    readonly reports: readonly LibraryReport[];
    readonly files: ReadonlySet<string>;
    readonly main: () => string | undefined;
  }
  const copies = new Map<string, Copy>();

  const openCopy = ({ name, baseDir }: PackageFile): Copy => {
    const known = copies.get(baseDir);
    if (known !== undefined) return known;
    const version = versionOf(baseDir);
    const reports = (byPackage.get(name) ?? []).map(({ entry, module }): LibraryReport => {
      const report = { module: name, version, baseDir, instrumentation: entry.name, files: [] };
      if (version === null || !module.ranges.some((range) => satisfies(version, range))) {
        const reason = `${name} ${version ?? 'of unknown version'} is not traced: ${module.ranges.join(' or ')} is.`;
        if (verbose) say(reason);
        return { ...report, state: 'out of range', reason };
      }
      return construct(entry) ? { ...report, state: 'patched', reason: null } : { ...report, state: 'failed', reason: 'its instrumentation failed to start' };
    });
    libraries.push(...reports);
    const patched = reports.some(({ state }) => state === 'patched');
    let main: string | undefined | null = null;
    const copy: Copy = {
      reports,
      files: new Set(patched ? (byPackage.get(name) ?? []).flatMap(({ module }) => module.files) : []),
      main: () => (main === null ? (main = patched ? mainFile(name, baseDir) : undefined) : main),
    };
    copies.set(baseDir, copy);
    return copy;
  };

  /** The name under which instrumentations know a file, or undefined where none wants it. */
  const hookName = (file: PackageFile, filename: string, copy: Copy): string | undefined => {
    if (copy.files.has(file.path)) return `${file.name}${sep}${file.path.replaceAll('/', sep)}`;
    return copy.main() === filename ? file.name : undefined;
  };

  const handOver = (file: PackageFile, filename: string, exports: unknown): unknown => {
    const copy = openCopy(file);
    const name = hookName(file, filename, copy);
    if (name === undefined) return exports;
    try {
      const patched = runRequireHooks(exports, name, file.baseDir);
      for (const report of copy.reports) if (report.state === 'patched') report.files.push(file.path);
      return patched;
    } catch (error) {
      for (const report of copy.reports) if (report.state === 'patched') report.state = 'failed';
      say(`${file.name} is not traced: its instrumentation failed (${reasonOf(error)}).`);
      return exports;
    }
  };

  watchLibraryLoads((filename): FileWatch | undefined => {
    const file = locateInPackage(filename);
    if (file === undefined || !byPackage.has(file.name)) return watchNamedFile(filename);
    return { before: () => void openCopy(file), after: (exports) => handOver(file, filename, exports) };
  });

  watchEsModules({
    isWanted: (name) => byPackage.has(name),
    entry: entryKind(process.argv, process.execArgv, process.env.NODE_OPTIONS ?? ''),
    script: process.argv[1],
    before: (file) => {
      for (const report of openCopy(file).reports) if (report.state === 'patched') report.files.push(file.path);
    },
    say,
  });
}

function watchNamedFile(filename: string): FileWatch | undefined {
  const hook = requireHookOfFile(filename);
  if (hook === undefined) return undefined;
  const cut = filename.lastIndexOf(sep);
  const name = filename.slice(cut + 1).replace(/\.[^.]+$/, '');
  return { before: () => {}, after: (exports) => hook(exports, name, filename.slice(0, cut)) };
}

function watchBuiltins(wanted: readonly InstrumentationEntry[], construct: Watching['construct']): void {
  const owners = new Map<string, InstrumentationEntry>();
  for (const entry of wanted) for (const module of entry.modules) if (module.builtin) owners.set(module.name, entry);
  watchBuiltinLoads({
    names: [...owners.keys()],
    entry: entryKind(process.argv, process.execArgv, process.env.NODE_OPTIONS ?? ''),
    patch(name, exports) {
      const entry = owners.get(name);
      if (entry !== undefined && construct(entry)) runRequireHooks(exports, name, undefined);
    },
  });
}

function versionOf(baseDir: string): string | null {
  try {
    const { version } = JSON.parse(readFileSync(join(baseDir, 'package.json'), 'utf8')) as { version?: unknown };
    return typeof version === 'string' ? version : null;
  } catch {
    return null;
  }
}

/** The file that `require` of the package's name leads to, from inside the package itself. */
function mainFile(name: string, baseDir: string): string | undefined {
  try {
    return createRequire(join(baseDir, 'package.json')).resolve(name);
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n')[0] ?? '';
}
