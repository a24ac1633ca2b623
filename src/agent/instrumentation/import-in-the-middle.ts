/**
 * Takes the place of import-in-the-middle in the bundle: notes who wants which ES module. That one puts a module
 * of its own in front of each; here watchEsModules hands over the very namespace that the application gets.
 */
export type OnImport = (exports: unknown, name: string, baseDir: string | undefined) => unknown;

const hooks = new Set<{ readonly names: readonly string[]; readonly onImport: OnImport }>();

/** Called with `new` by @opentelemetry/instrumentation. */
export function Hook(this: { unhook: () => void }, names: readonly string[], _options: unknown, onImport: OnImport): void {
  const hook = { names, onImport };
  hooks.add(hook);
  this.unhook = () => hooks.delete(hook);
}

/** Hands the namespace of a package's main ES module to the instrumentations that asked for it: they patch in place. */
export function runImportHooks(namespace: Readonly<Record<string, unknown>>, name: string, baseDir: string): void {
  for (const { names, onImport } of hooks) {
    if (!names.includes(name)) continue;
    const patched = onImport(namespace, name, baseDir);
    const isInPlace = patched === undefined || patched === namespace || patched === namespace.default;
    if (!isInPlace) throw new Error('it would replace the module');
  }
}
