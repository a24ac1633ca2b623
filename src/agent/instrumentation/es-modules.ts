import { existsSync } from 'node:fs';
import Module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { supportsSyncHooks } from 'import-in-the-middle/supports-sync-hooks.mjs';
import { announcing, ANNOUNCE, type LoadResult } from './announce.ts';
import type { ModuleKind } from './entry-kind.ts';
import { runImportHooks } from './import-in-the-middle.ts';
import { locateInPackage, type PackageFile } from './locate.ts';
import { reasonOf } from './report.ts';

/**
 * Packages that ship ES modules of their own, and the file that `import` of their name leads to. Of all others in
 * the table, what `import` gets is CommonJS, or a thin module around it, and watchLibraryLoads sees that
 * (test/libraries imports each one and tells).
 */
const ES_MODULES: Readonly<Record<string, string>> = { openai: 'index.mjs' };

export interface EsModuleWatch {
  readonly isWanted: (packageName: string) => boolean;
  readonly entry: ModuleKind;
  readonly script: string | undefined;
  /** The module was evaluated and is handed to the instrumentations next. */
  readonly note: (file: PackageFile) => void;
  readonly say: (line: string) => void;
}

interface HookableModule {
  registerHooks(hooks: { load: (url: string, context: object, next: (url: string, context: object) => LoadResult) => LoadResult }): void;
}

/**
 * Has ES modules of wanted packages announce that they were evaluated, by a line at the end of their source. Only
 * where such a package is installed: hooks cost every `require` and `import` of the application (asynchronous ones
 * 56 ms and 13 MB). What the hook returns for all other modules is what Node returned.
 */
export function watchEsModules({ isWanted, entry, script, note, say }: EsModuleWatch): void {
  const packages = Object.keys(ES_MODULES).filter((name) => isWanted(name) && isInstalled(name, script));
  if (packages.length === 0) return;
  const isSync = supportsSyncHooks();
  if (!isSync && entry === 'commonjs') return;
  const ends = packages.map((name) => `/node_modules/${name}/${ES_MODULES[name]}`);

  Object.defineProperty(globalThis, ANNOUNCE, {
    configurable: true,
    value(url: string, namespace: Readonly<Record<string, unknown>>) {
      try {
        const file = locateInPackage(fileURLToPath(url));
        if (file === undefined || !packages.includes(file.name)) return;
        note(file);
        runImportHooks(namespace, file.name, file.baseDir);
      } catch (error) {
        say(`The module ${url} is not traced: its instrumentation failed (${reasonOf(error)}).`);
      }
    },
  });
  if (isSync) {
    (Module as unknown as HookableModule).registerHooks({ load: (url, context, next) => announcing(url, ends, next(url, context)) });
    return;
  }
  try {
    Module.register(pathToFileURL(join(__dirname, 'esm-hook.mjs')).href, { data: ends });
  } catch (error) {
    say(`ES modules of ${packages.join(', ')} are not traced: this process may not register import hooks (${reasonOf(error)}).`);
  }
}

/** Looks where Node would, from the script (or the working directory) upwards. */
function isInstalled(name: string, script: string | undefined): boolean {
  let dir = script === undefined ? process.cwd() : dirname(script);
  for (;;) {
    if (existsSync(join(dir, 'node_modules', name, 'package.json'))) return true;
    const parent = dirname(dir);
    if (parent === dir) return false;
    dir = parent;
  }
}
