import Module from 'node:module';

/**
 * Called when the file of this name is about to be evaluated. What it returns is called with the exports
 * afterwards, and its result takes their place. Asked for every file: quick, please, and without throwing.
 */
export type FindWatch = (filename: string) => ((exports: unknown) => unknown) | undefined;

type Compile = (this: NodeModule, content: string, filename: string, format?: string) => unknown;

/**
 * Watches files being evaluated, whoever asked for them: `require`, `import` of a CommonJS package (which never
 * passes `Module.prototype.require`), or `require` of an ES module.
 *
 * Node reads `module._compile` once for each file that it evaluates, and sets `module.loaded` behind it. Accessors
 * in their places see both moments and are off the stack while the file runs: errors show no frame of ours, and a
 * file that nobody wants costs one look at its path.
 */
export function watchLibraryLoads(find: FindWatch): void {
  const prototype = Module.prototype as unknown as { _compile: Compile };
  let compile = prototype._compile;
  Object.defineProperty(prototype, '_compile', {
    configurable: true,
    enumerable: true,
    get(this: NodeModule): Compile {
      const after = typeof this.filename === 'string' && this.loaded === false ? find(this.filename) : undefined;
      if (after !== undefined) onceLoaded(this, after);
      return compile;
    },
    set(this: unknown, value: Compile) {
      // Another hook replaces it for all modules, or (as transpilers do) for the one that it is loading.
      if (this === prototype) compile = value;
      else Object.defineProperty(this, '_compile', { value, writable: true, configurable: true, enumerable: true });
    },
  });
}

function onceLoaded(module: NodeModule, after: (exports: unknown) => unknown): void {
  const { value, ...attributes } = Object.getOwnPropertyDescriptor(module, 'loaded') ?? {};
  // Watched already, or no module of Node's.
  if (value === undefined || attributes.configurable !== true) return;
  Object.defineProperty(module, 'loaded', {
    configurable: true,
    enumerable: attributes.enumerable,
    get: () => value as boolean,
    set(this: NodeModule, loaded: boolean) {
      Object.defineProperty(this, 'loaded', { ...attributes, value: loaded });
      if (this !== module || !loaded) return;
      const exports = after(this.exports);
      if (exports !== this.exports) this.exports = exports;
    },
  });
}
