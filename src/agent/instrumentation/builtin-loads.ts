import Module from 'node:module';
import type { ModuleKind } from './entry-kind.ts';

interface ResolveHooks {
  readonly deregister: () => void;
}

/** What @types/node of the oldest Node does not know. */
interface HookableModule {
  registerHooks?: (hooks: { resolve: (specifier: string, context: object, next: (specifier: string, context: object) => unknown) => unknown }) => ResolveHooks;
}

export interface BuiltinWatch {
  /** Names without `node:`. */
  readonly names: readonly string[];
  readonly entry: ModuleKind;
  /** The module is loaded for the first time by the application: patch it in place. */
  readonly patch: (name: string, exports: unknown) => void;
}

/**
 * Waits for the application's first use of modules of Node that take long to load (`https` costs 10 ms), then
 * patches them in place. In CommonJS every way to them is watched until the last one came: `require`,
 * `process.getBuiltinModule`, and what import() leads to. Afterwards everything is as it was. Where the process
 * starts with an ES module they are patched at once: only a hook on every resolution could tell, and that costs
 * as much, stands in the application's error stacks, and is known to break other hooks.
 */
export function watchBuiltinLoads({ names, entry, patch }: BuiltinWatch): void {
  const awaited = new Set(names);
  if (awaited.size === 0) return;
  const { require: originalRequire } = Module.prototype;
  const { getBuiltinModule: originalGetBuiltinModule } = process;
  let hooks: ResolveHooks | undefined;

  function arrive(id: unknown): void {
    const name = typeof id === 'string' && id.startsWith('node:') ? id.slice(5) : id;
    if (!awaited.delete(name as string)) return;
    if (awaited.size === 0) stop();
    patch(name as string, originalRequire.call(module, name as string));
    // What was imported by name holds copies.
    Module.syncBuiltinESMExports();
  }

  function stop(): void {
    if (Module.prototype.require === watchedRequire) Module.prototype.require = originalRequire;
    if (process.getBuiltinModule === watchedGetBuiltinModule) process.getBuiltinModule = originalGetBuiltinModule;
    hooks?.deregister();
  }

  // Named as what they stand for: until the last one came, they show in the stacks of errors at load.
  const watchedRequire = function require(this: NodeModule, ...args: [string]) {
    if (awaited.size > 0) arrive(args[0]);
    return originalRequire.apply(this, args);
  } as typeof originalRequire;
  const watchedGetBuiltinModule = function getBuiltinModule(this: NodeJS.Process, ...args: [string]) {
    if (awaited.size > 0) arrive(args[0]);
    return originalGetBuiltinModule.apply(this, args);
  } as typeof originalGetBuiltinModule;

  function watchImports(): void {
    for (const name of [...awaited]) if (isLoaded(name)) arrive(name);
    if (awaited.size === 0) return;
    hooks = (Module as HookableModule).registerHooks?.({
      resolve(specifier, context, next) {
        if (awaited.size > 0) arrive(specifier);
        return next(specifier, context);
      },
    });
    if (hooks === undefined) patchNow();
  }

  function patchNow(): void {
    for (const name of [...awaited]) arrive(name);
  }

  if (entry === 'esm') return patchNow();
  Module.prototype.require = watchedRequire;
  if (typeof originalGetBuiltinModule === 'function') process.getBuiltinModule = watchedGetBuiltinModule;
  // CommonJS gets at ES modules by import(), and what that leads to is linked in a later turn than the one that
  // evaluates the main script: soon enough, and no `require` of the start pays for the hooks.
  if (typeof (Module as HookableModule).registerHooks === 'function') process.nextTick(watchImports);
  else setImmediate(watchImports).unref();
}

function isLoaded(name: string): boolean {
  return (process as unknown as { moduleLoadList: readonly string[] }).moduleLoadList.includes(`NativeModule ${name}`);
}
