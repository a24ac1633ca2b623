/**
 * Takes the place of the package require-in-the-middle in the bundle. That one resolves every `require` of the
 * application a second time, and misses CommonJS that was imported; here the files come from watchLibraryLoads
 * and watchBuiltinLoads, and these hooks are only asked about files that the table names.
 */
export type OnRequire = (exports: unknown, name: string, baseDir: string | undefined) => unknown;

interface RequireHook {
  /** Null for everything; else absolute paths. */
  readonly names: readonly string[] | null;
  readonly onRequire: OnRequire;
}

const hooks = new Set<RequireHook>();

/** Called with `new` by @opentelemetry/instrumentation. */
export function Hook(this: { unhook: () => void }, names: readonly string[] | null, _options: unknown, onRequire: OnRequire): void {
  const hook = { names, onRequire };
  hooks.add(hook);
  this.unhook = () => hooks.delete(hook);
}

/** Hands a file of a package, or a built-in module (without a folder), to the instrumentations that asked for it. */
export function runRequireHooks(exports: unknown, name: string, baseDir: string | undefined): unknown {
  let patched = exports;
  for (const { names, onRequire } of hooks) if (names === null) patched = onRequire(patched, name, baseDir);
  return patched;
}

/** The hook for a file that an instrumentation names by its absolute path: the handler of an AWS Lambda function. */
export function requireHookOfFile(filename: string): OnRequire | undefined {
  for (const { names, onRequire } of hooks) if (names?.includes(filename)) return onRequire;
  return undefined;
}
