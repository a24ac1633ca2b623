import Module from 'node:module';
import type { ModuleKind } from './entry-kind.ts';

type Require = (this: NodeModule, id: string) => unknown;

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
 * patches them in place. Every way to them is watched until the last one came: `require`, `process.getBuiltinModule`,
 * and `import` where Node has synchronous hooks. Afterwards everything is as it was.
 */
export function watchBuiltinLoads({ names, entry, patch }: BuiltinWatch): void {
  const awaited = new Set(names);
  if (awaited.size === 0) return;
  const { require } = Module.prototype;
  const { getBuiltinModule } = process;
  let hooks: ResolveHooks | undefined;

  function arrive(id: string): void {
    const name = id.startsWith('node:') ? id.slice(5) : id;
    if (!awaited.delete(name)) return;
    if (awaited.size === 0) stop();
    patch(name, require.call(module, name));
    // What was imported by name holds copies.
    Module.syncBuiltinESMExports();
  }

  function arriveLoaded(): void {
    for (const name of [...awaited]) if (isLoaded(name)) arrive(name);
  }

  function stop(): void {
    if (Module.prototype.require === watchedRequire) Module.prototype.require = require;
    if (process.getBuiltinModule === watchedGetBuiltinModule) process.getBuiltinModule = getBuiltinModule;
    hooks?.deregister();
  }

  const watchedRequire: Require = function (this: NodeModule, id) {
    if (awaited.size > 0) arrive(id);
    return require.call(this, id);
  };
  const watchedGetBuiltinModule = function (this: unknown, id: string) {
    if (awaited.size > 0) arrive(id);
    return getBuiltinModule.call(process, id);
  } as typeof process.getBuiltinModule;

  function watchImports(): void {
    arriveLoaded();
    if (awaited.size === 0) return;
    hooks = (Module as HookableModule).registerHooks?.({
      resolve(specifier, context, next) {
        if (awaited.size > 0) arrive(specifier);
        return next(specifier, context);
      },
    });
    // Without such hooks an import cannot be seen in time.
    if (hooks === undefined) for (const name of [...awaited]) arrive(name);
  }

  Module.prototype.require = watchedRequire as typeof require;
  if (typeof getBuiltinModule === 'function') process.getBuiltinModule = watchedGetBuiltinModule;
  if (entry === 'esm') return watchImports();
  arriveLoaded();
  // The hooks cost 30 us a `require`. CommonJS gets at ES modules by import(), and that links in a later turn than
  // the one that evaluates the main script: soon enough.
  if (typeof (Module as HookableModule).registerHooks === 'function') process.nextTick(watchImports);
  else setImmediate(watchImports).unref();
}

function isLoaded(name: string): boolean {
  return (process as unknown as { moduleLoadList: readonly string[] }).moduleLoadList.includes(`NativeModule ${name}`);
}
