export interface BuiltinWatch {
  /** Names without `node:`. */
  readonly names: readonly string[];
  /** The module is loaded for the first time by this process: patch it in place. */
  readonly patch: (name: string, exports: unknown) => void;
}

const PREFIX = 'NativeModule ';

/**
 * Patches modules of Node in place as they are loaded for the first time: `https` takes 10 ms, and many processes
 * never need it.
 *
 * Node notes each built-in that it has evaluated in `process.moduleLoadList`, whichever way led there: `require`,
 * `import`, `process.getBuiltinModule`, another built-in. The prototype of that list sees the note come in, before
 * anybody has the exports and before the ES module of the same name takes over its values. So nothing that
 * applications look at or replace (`require`, resolution, import hooks) has to be touched, and no frame of ours is
 * on the stack while their code runs. When the last one has come, the list is as it was.
 */
export function watchBuiltinLoads({ names, patch }: BuiltinWatch): void {
  const awaited = new Set(names);
  const list = loadList();
  const arrived: string[] = [];
  let isPatching = false;

  function arrive(name: string): void {
    if (!awaited.delete(name)) return;
    arrived.push(name);
    // The instrumentation that is being constructed may itself load another one that is awaited.
    if (isPatching) return;
    isPatching = true;
    for (let next = arrived.shift(); next !== undefined; next = arrived.shift()) patchNow(next);
    isPatching = false;
  }

  function patchNow(name: string): void {
    patch(name, module.require(name));
    // Every load brings the named exports of the built-in's ES module up to date, and of no other.
    module.require(name);
  }

  if (list === undefined) {
    for (const name of names) arrive(name);
    return;
  }
  for (const name of names) if (list.includes(PREFIX + name)) arrive(name);
  if (awaited.size === 0) return;

  const prototype = Object.getPrototypeOf(list) as object;
  const watched = new Proxy(prototype, {
    set(target, key, value, receiver) {
      const isSet = receiver === list ? Reflect.defineProperty(list, key, { value, writable: true, enumerable: true, configurable: true }) : Reflect.set(target, key, value, receiver);
      if (isSet && typeof value === 'string' && value.startsWith(PREFIX)) arrive(value.slice(PREFIX.length));
      if (awaited.size === 0 && Object.getPrototypeOf(list) === watched) Object.setPrototypeOf(list, prototype);
      return isSet;
    },
  });
  Object.setPrototypeOf(list, watched);
}

/** Undefined where a Node does not note what we need. */
function loadList(): readonly string[] | undefined {
  const { moduleLoadList } = process as unknown as { moduleLoadList?: readonly string[] };
  // The guard has loaded this one by now.
  const isLive = Array.isArray(moduleLoadList) && Object.isExtensible(moduleLoadList) && moduleLoadList.includes(`${PREFIX}worker_threads`);
  return isLive ? moduleLoadList : undefined;
}
