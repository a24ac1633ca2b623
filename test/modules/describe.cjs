// Describes what a module exports: names in their order, kinds, identities, prototypes, descriptors, functions with
// their name, length and text. The same module is described by the same lines.
const { createHash } = require('node:crypto');
const { types } = require('node:util');

/** `{ path: description }` of everything that is reachable from the value, down to a depth. */
exports.describe = function describe(root, { depth = 3, most = 4000 } = {}) {
  const lines = {};
  const paths = new Map();
  const queue = [['', root, depth]];
  let count = 0;
  for (const [path, value, left] of queue) {
    if (++count > most) break;
    lines[path] = one(value, path, left, paths, queue);
  }
  return lines;
};

/** The same for what the attempt comes to: where it throws, the error. */
exports.outcome = async function outcome(attempt) {
  try {
    return exports.describe(await attempt());
  } catch (error) {
    if (error === null || typeof error !== 'object') return `throws ${String(error)}`;
    const { stack, ...rest } = Object.fromEntries(Reflect.ownKeys(error).map((key) => [String(key), error[key]]));
    return { throws: error.constructor.name, string: String(error), stack, keys: Reflect.ownKeys(error).map(String), ...exports.describe(rest, { depth: 2 }) };
  }
};

function one(value, path, left, paths, queue) {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return primitive(value);
  const known = paths.get(value);
  if (known !== undefined) return `is ${known}`;
  paths.set(value, path === '' ? 'itself' : path);
  if (standard.has(value)) return `the standard ${standard.get(value)}`;

  const keys = quietly(() => Reflect.ownKeys(value));
  // A proxy that has its conditions.
  if (!Array.isArray(keys)) return `proxy, closed: ${keys}`;
  if (left > 0 && !(ArrayBuffer.isView(value) && keys.length > 20)) {
    const proto = Object.getPrototypeOf(value);
    if (proto !== null && !standard.has(proto)) queue.push([`${path}/proto`, proto, left - 1]);
    for (const key of keys) pushProperty(value, key, `${path}.${String(key)}`, left - 1, queue);
  }
  return [kind(value), `keys ${hash(keys.map(String).join())}:${keys.length}`, attributes(value, keys), Object.isExtensible(value) ? '' : 'closed'].filter(Boolean).join(' ');
}

function kind(value) {
  const tag = quietly(() => value[Symbol.toStringTag]);
  const proto = Object.getPrototypeOf(value);
  const parts = [types.isProxy(value) ? 'proxy' : types.isModuleNamespaceObject(value) ? 'namespace' : typeof value];
  if (tag !== undefined) parts.push(`tag ${String(tag)}`);
  parts.push(`of ${proto === null ? 'null' : (standard.get(proto) ?? 'other')}`);
  if (typeof value === 'function') {
    const text = quietly(() => Function.prototype.toString.call(value)) ?? '';
    parts.push(`"${String(quietly(() => value.name))}" ${String(quietly(() => value.length))} ${hash(text)}`);
  }
  return parts.join(' ');
}

/** What each property is, by its flags. */
function attributes(value, keys) {
  return hash(
    keys
      .map((key) => {
        const own = quietly(() => Object.getOwnPropertyDescriptor(value, key));
        return own === undefined ? '?' : `${own.enumerable ? 'e' : ''}${own.configurable ? 'c' : ''}${own.writable ? 'w' : ''}${own.get ? 'g' : ''}${own.set ? 's' : ''}`;
      })
      .join(),
  );
}

/** Getters are asked only where exports are made of them: others may have effects. */
function pushProperty(value, key, path, left, queue) {
  const own = quietly(() => Object.getOwnPropertyDescriptor(value, key));
  if (own === undefined || path.length > 200) return;
  if ('value' in own) return void queue.push([path, own.value, left]);
  if (own.get) queue.push([`${path}/get`, own.get, 0]);
  if (own.set) queue.push([`${path}/set`, own.set, 0]);
  if (own.get && own.enumerable && left >= 1) queue.push([path, quietly(() => value[key]), left]);
}

function primitive(value) {
  if (typeof value === 'string') return value.length > 60 ? `text ${value.length} ${hash(value)}` : JSON.stringify(value);
  return Object.is(value, -0) ? '-0' : `${typeof value} ${String(value)}`;
}

function quietly(read) {
  try {
    return read();
  } catch (error) {
    return error === null || typeof error !== 'object' ? undefined : `throws ${error.name}`;
  }
}

function hash(text) {
  return createHash('sha1').update(text).digest('hex').slice(0, 8);
}

/** Globals and their prototypes: Node's own, and the same everywhere. */
const standard = new Map();
for (const name of Object.getOwnPropertyNames(globalThis)) {
  if (['process', 'global', 'globalThis', 'localStorage', 'sessionStorage', 'crypto', 'navigator'].includes(name)) continue;
  const value = quietly(() => globalThis[name]);
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) continue;
  standard.set(value, name);
  const { prototype } = value;
  if (typeof prototype === 'object' && prototype !== null) standard.set(prototype, `${name}.prototype`);
}
standard.set(process, 'process');
standard.set(globalThis, 'globalThis');
for (const made of [function* () {}, async function () {}, async function* () {}]) standard.set(Object.getPrototypeOf(made), `${made.constructor.name}.prototype`);
