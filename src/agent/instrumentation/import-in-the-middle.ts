/**
 * Takes the place of the main file of import-in-the-middle in the bundle: notes who wants which ES module. The
 * real one is loaded by es-modules.ts, and only when such a module is imported.
 */
export type OnImport = (exports: unknown, name: string, baseDir: string | undefined) => unknown;

const hooks = new Set<{ readonly names: readonly string[]; readonly onImport: OnImport }>();

/** Called with `new` by @opentelemetry/instrumentation. */
export function Hook(this: { unhook: () => void }, names: readonly string[], _options: unknown, onImport: OnImport): void {
  const hook = { names, onImport };
  hooks.add(hook);
  this.unhook = () => hooks.delete(hook);
}

/** Hands the namespace of a package's main ES module to the instrumentations that asked for it. */
export function runImportHooks(namespace: object, name: string, baseDir: string): void {
  for (const { names, onImport } of hooks) {
    if (!names.includes(name)) continue;
    const patched = onImport(namespace, name, baseDir);
    if (patched !== undefined && patched !== namespace && 'default' in namespace) namespace.default = patched;
  }
}
