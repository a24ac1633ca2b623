// Describes entry points of libraries as `require` and `import` give them. All of one library go into one description:
// where `require` and `import`, or two entry points, give the same object, it says so.
// Usage: node probe.cjs <entry point> ... | node probe.mjs <entry point> ...
const { describe } = require('./describe.cjs');

/** Nothing is to be left out. */
const MOST = 150_000;

exports.probe = async function probe(order, entryPoints) {
  const libraries = new Map();
  for (const entryPoint of entryPoints) {
    const name = /^(?:@[^/]+\/)?[^/]+/.exec(entryPoint)[0];
    if (!libraries.has(name)) libraries.set(name, {});
    for (const way of order) libraries.get(name)[`${way} ${entryPoint}`] = await load(way, entryPoint);
  }
  const found = {};
  for (const [name, library] of libraries) {
    found[name] = describe(library, { depth: 5, most: MOST });
    if (Object.keys(found[name]).length >= MOST) throw new Error(`${name} has more than ${MOST} lines`);
  }
  return { ...found, 'require.cache': Object.keys(require.cache) };
};

exports.print = function print(found) {
  const agent = globalThis[Symbol.for('otel-run.instrumentations')];
  // Only where the agent is at work.
  if (agent) require('node:fs').writeFileSync(process.env.PROBE_WITNESS, JSON.stringify(agent().libraries));
  // Some libraries keep the process alive.
  process.stdout.write(JSON.stringify(found), () => process.exit());
};

if (require.main === module) exports.probe(['require', 'import'], process.argv.slice(2)).then(exports.print);

async function load(way, entryPoint) {
  try {
    return way === 'require' ? require(entryPoint) : await import(entryPoint);
  } catch (error) {
    // Asynchronous hooks hand on copies of errors: these have another name.
    return { fails: error.message, code: error.code };
  }
}
