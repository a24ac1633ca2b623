// Loads one library by `require` or by `import`; prints what the agent did with it and which functions it wrapped.
// Usage: node load.mjs require|import <library>
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [kind, library] = process.argv.slice(2);
const require = createRequire(import.meta.url);

/** What is to be seen where an instrumentation wraps nothing that can be reached from the exports. */
const effects = {
  connect: (connect) => Object.hasOwn(connect().use, '__wrapped') && 'connect().use',
  'lru-memoizer': (memoizer) => memoizer.name === 'asyncMemoizer' && 'memoizer',
  oracledb: (oracledb) => oracledb.traceHandler.isEnabled() && 'traceHandler',
  pino(pino) {
    let line = '';
    inSpan(() => pino({}, { write: (text) => (line += text) }).info('hello'));
    return 'trace_id' in JSON.parse(line) && 'trace_id';
  },
};

const loaded = kind === 'import' ? await import(library) : require(library);
const { constructed, libraries } = globalThis[Symbol.for('otel-run.instrumentations')]();
const patched = libraries.filter(({ state }) => state === 'patched');
const exports = patched.flatMap(({ baseDir, files }) => files.map((file) => require.cache[join(baseDir, file)]?.exports));
const effect = effects[library]?.(kind === 'import' ? loaded.default : loaded);

process.stdout.write(
  JSON.stringify({
    constructed,
    patched: patched.map(({ module, version, instrumentation, files }) => ({ module, version, instrumentation, files })),
    wrapped: [...(effect ? [effect] : []), ...findWrapped([loaded, ...exports])],
  }),
);
// Some libraries keep the process alive.
process.exit(0);

function findWrapped(roots) {
  const seen = new Set();
  const names = new Set();
  const queue = roots.map((value) => ['', value, 0]);
  for (const [path, value, depth] of queue) {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) continue;
    seen.add(value);
    if (typeof value === 'function' && Object.hasOwn(value, '__wrapped')) names.add(path);
    if (depth === 4 || seen.size > 20_000) continue;
    for (const [key, found] of properties(value)) queue.push([path === '' ? key : `${path}.${key}`, found, depth + 1]);
    const base = typeof value === 'function' ? Object.getPrototypeOf(value) : null;
    if (typeof base === 'function') queue.push([`${path}.super`, base, depth + 1]);
  }
  return [...names];
}

/** Own properties; of getters, only those that compiled exports are made of: others may print. */
function* properties(value) {
  for (const key of quietly(() => Object.getOwnPropertyNames(value)) ?? []) {
    const descriptor = quietly(() => Object.getOwnPropertyDescriptor(value, key));
    if (key === 'constructor' || descriptor === undefined) continue;
    const found = 'value' in descriptor ? descriptor.value : descriptor.enumerable ? quietly(() => value[key]) : undefined;
    if (found !== undefined) yield [key, found];
  }
}

/** Proxies and getters may have conditions. */
function quietly(read) {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function inSpan(run) {
  const { trace } = globalThis[Symbol.for('opentelemetry.js.api.1')];
  trace.getTracer('test').startActiveSpan('test', (span) => {
    run();
    span.end();
  });
}
