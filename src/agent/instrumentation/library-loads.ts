import Module from 'node:module';

/**
 * Called when the file of this name is about to be loaded. What it returns is called with the exports once the
 * file was evaluated, and its result takes their place. Asked for every file: quick, please, and without throwing.
 */
export type FindWatch = (filename: string) => ((exports: unknown) => unknown) | undefined;

/**
 * Watches CommonJS modules, and ES modules that were `require`d, being loaded, whoever asked for them: `require`,
 * or `import` of a CommonJS package (which never passes `Module.prototype.require`).
 *
 * Node puts each new module into `require.cache` before it evaluates the file, and sets `module.loaded` behind it.
 * The prototype of the cache sees the first, an accessor on the module of a wanted file the second. No function of
 * Node's is replaced and none of ours is on the stack while a file runs: an error reads as it would without us.
 */
export function watchLibraryLoads(find: FindWatch): void {
  const cache = require.cache;
  const prototype = (Object.getPrototypeOf(cache) ?? Object.create(null)) as object;
  const watched = new Proxy(prototype, {
    set(target, key, value, receiver) {
      if (receiver !== cache) return Reflect.set(target, key, value, receiver);
      if (typeof key === 'string' && value instanceof Module && !value.loaded) {
        const after = find(key);
        if (after !== undefined) onceLoaded(value, after);
      }
      return Reflect.defineProperty(cache, key, { value, writable: true, enumerable: true, configurable: true });
    },
  });
  Object.setPrototypeOf(cache, watched);
}

function onceLoaded(module: NodeModule, after: (exports: unknown) => unknown): void {
  const { value, ...attributes } = Object.getOwnPropertyDescriptor(module, 'loaded') ?? {};
  // Watched already.
  if (value !== false || attributes.configurable !== true) return;
  Object.defineProperty(module, 'loaded', {
    configurable: true,
    enumerable: attributes.enumerable,
    get: () => false,
    set(this: NodeModule, loaded: boolean) {
      Object.defineProperty(this, 'loaded', { ...attributes, value: loaded });
      if (this !== module || !loaded) return;
      const exports = after(this.exports);
      if (exports !== this.exports) this.exports = exports;
    },
  });
}
