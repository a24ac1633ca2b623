import { existsSync } from 'node:fs';
import Module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ModuleKind } from './entry-kind.ts';
import { runImportHooks } from './import-in-the-middle.ts';
import { locateInPackage, type PackageFile } from './locate.ts';

/**
 * Packages that ship ES modules of their own. Of all others in the table, what `import` gets is CommonJS, or a thin
 * module around it, and watchLibraryLoads sees that (test/libraries imports each one and tells).
 */
const ES_MODULE_PACKAGES = ['openai'];

export interface EsModuleWatch {
  readonly isWanted: (packageName: string) => boolean;
  readonly entry: ModuleKind;
  readonly script: string | undefined;
  /** Before the module is evaluated. */
  readonly before: (file: PackageFile) => void;
  readonly say: (line: string) => void;
}

interface HookableModule {
  registerHooks(hooks: object): void;
}

/**
 * Lets ES modules of wanted packages pass through import-in-the-middle. Only where such a package is installed:
 * the hooks cost every `require` and `import` of the application (30 us; asynchronous ones 56 ms and 13 MB).
 */
export function watchEsModules({ isWanted, entry, script, before, say }: EsModuleWatch): void {
  const packages = ES_MODULE_PACKAGES.filter((name) => isWanted(name) && isInstalled(name, script));
  if (packages.length === 0) return;
  // Kept beside the bundle: most applications never need it.
  const { createHook, supportsSyncHooks } = require('./import-hook.js') as typeof import('import-in-the-middle/create-hook.mjs');
  if (!supportsSyncHooks() && entry === 'commonjs') return;

  // The wrappers that the hook generates import this very file by its URL.
  const { importHooks } = require('./lib/register.js') as { importHooks: ((url: string, namespace: object) => void)[] };
  importHooks.push((url, namespace) => {
    const file = url.startsWith('file:') ? locateInPackage(fileURLToPath(url)) : undefined;
    if (file === undefined || !packages.includes(file.name)) return;
    before(file);
    runImportHooks(namespace, file.name, file.baseDir);
  });

  const base = pathToFileURL(join(__dirname, 'esm-hook.mjs')).href;
  if (supportsSyncHooks()) {
    const hook = createHook({ url: base });
    hook.applyOptions({ shouldInclude: (_url, specifier) => packages.includes(specifier) });
    (Module as unknown as HookableModule).registerHooks({ resolve: hook.resolveSync, load: hook.loadSync });
    return;
  }
  try {
    Module.register(base, { data: { include: packages } });
  } catch (error) {
    say(`ES modules of ${packages.join(', ')} are not traced: this process may not register import hooks (${(error as Error).message.split('\n')[0]}).`);
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
