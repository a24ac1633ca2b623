import Module from 'node:module';
import { types } from 'node:util';

/** What is done around the evaluation of one file. */
export interface FileWatch {
  readonly before: () => void;
  /** What it returns takes the place of the file's exports. */
  readonly after: (exports: unknown) => unknown;
}

type Compile = (this: NodeModule, content: string, filename: string, format?: string) => unknown;

/**
 * Watches files being evaluated, whoever asked for them: `require`, `import` of a CommonJS package (which never
 * passes `Module.prototype.require`), or `require` of an ES module. `find` is asked for every file: quick, please.
 *
 * Node reads `module._compile` once for each file that it evaluates. An accessor in its place sees the module at
 * that moment and is off the stack again before the file runs: files that nobody wants cost one look at their
 * path, and their errors show no frame of ours.
 */
export function watchLibraryLoads(find: (filename: string) => FileWatch | undefined): void {
  const prototype = Module.prototype as unknown as { _compile: Compile };
  let compile = prototype._compile;
  Object.defineProperty(prototype, '_compile', {
    configurable: true,
    enumerable: true,
    get(this: NodeModule): Compile {
      const watch = typeof this.filename === 'string' ? find(this.filename) : undefined;
      if (watch === undefined) return compile;
      return function _compile(this: NodeModule, ...args: Parameters<Compile>) {
        watch.before();
        const result = compile.apply(this, args);
        this.exports = watch.after(mutable(this.exports));
        return result;
      };
    },
    set(this: unknown, value: Compile) {
      // Another hook replaces it for all modules, or (as transpilers do) for the one that it is loading.
      if (this === prototype) compile = value;
      else Object.defineProperty(this, '_compile', { value, writable: true, configurable: true, enumerable: true });
    },
  });
}

/** The namespace of an ES module that was `require`d cannot be patched; a copy can. */
function mutable(exports: unknown): unknown {
  return types.isModuleNamespaceObject(exports) ? { ...(exports as object) } : exports;
}
