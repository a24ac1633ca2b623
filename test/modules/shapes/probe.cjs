// Describes every module of this folder as `require` and `import` give it, and what Node says about modules.
// Usage: node probe.cjs | node probe.mjs
const Module = require('node:module');
const vm = require('node:vm');
const { outcome } = require('./describe.cjs');

const files = [
  ...['plain', 'spread', 'spread-getters', 'function', 'class', 'getters', 'interop', 'reexports', 'frozen', 'proxy', 'null-prototype', 'primitive'].map((name) => `./commonjs/${name}.cjs`),
  ...['undefined', 'promise', 'itself', 'cycle-a', 'cycle-b'].map((name) => `./commonjs/${name}.cjs`),
  './commonjs/json.json',
  ...['origin', 'twice', 'stars', 'same-star', 'strings', 'uninitialized'].map((name) => `./names/${name}.mjs`),
  ...['cycle.mjs', 'cycle.cjs', 'imports-all.mjs', 'required.mjs', 'required-as-cjs.mjs', 'interop.mjs', 'awaits.mjs', 'builtins.mjs'].map((name) => `./mixed/${name}`),
  ...['throws.cjs', 'throws.mjs', 'throws-nothing.cjs', 'requires-throwing.cjs', 'syntax.cjs', 'syntax.mjs', 'requires-syntax.cjs', 'imports-syntax.mjs'].map((name) => `./failing/${name}`),
  ...['no-such-name.mjs', 'no-such-name-cjs.mjs', 'missing.mjs', 'missing.cjs', 'bad.json', 'imports-json.mjs', 'await-in-require.cjs', 'esm-in-cjs.cjs'].map((name) => `./failing/${name}`),
  ...['conditions', 'conditions/node', 'conditions/custom', 'conditions/deep/a', 'conditions/closed/a', 'conditions/none', 'selfish', 'selfish/inner', 'selfish/none', 'linked', 'linked/module.mjs'],
  ...['graphql/part.mjs', 'graphql/stack.cjs', 'openai', 'no-such-package', './no-such-file', './commonjs', '#inner', '', 'node:no-such', 'node:test/reporters', 'data:text/javascript,export default 1'],
  ...['data:text/javascript,throw new Error("data")', 'data:application/json,{"a":1}', 'http://127.0.0.1/x.mjs', 'file:///no/such.mjs'],
];

exports.probe = async function probe(order) {
  const found = {};
  for (const file of files) {
    for (const way of order) found[`${way} ${file}`] = await outcome(() => (way === 'require' ? require(file) : import(file)));
    found[`cache ${file}`] = cached(file);
  }
  found['import with attributes'] = await outcome(() => import('./commonjs/json.json', { with: { type: 'json' } }));
  found['import with wrong attributes'] = await outcome(() => import('./names/one.mjs', { with: { type: 'json' } }));
  found['same namespace'] = await outcome(async () => (await import('./names/one.mjs')) === (await import('./names/../names/one.mjs')));
  found['another query'] = await outcome(async () => (await import('./names/one.mjs?x')) === (await import('./names/one.mjs')));
  found['live binding'] = await outcome(async () => {
    const twice = await import('./names/twice.mjs');
    twice.once();
    return [twice.counter, twice.again, twice.all.counter];
  });
  for (const id of ['node:module', 'node:fs', 'node:util', 'node:path', 'node:vm', 'node:worker_threads', 'node:diagnostics_channel']) {
    found[`builtin ${id}`] = await outcome(() => require(id));
    found[`builtin import ${id}`] = await outcome(() => import(id));
  }
  found['getBuiltinModule'] = await outcome(() => [Object.getOwnPropertyDescriptor(process, 'getBuiltinModule'), process.getBuiltinModule?.('node:fs') === require('fs')]);
  found['moduleLoadList'] = await outcome(() => [Array.isArray(process.moduleLoadList), process.moduleLoadList instanceof Array, Object.prototype.toString.call(process.moduleLoadList)]);
  found['isBuiltin'] = await outcome(() => ['fs', 'node:fs', 'node:test', 'test', 'nothing'].map(Module.isBuiltin));
  found['builtinModules'] = await outcome(() => Module.builtinModules);
  found['globalPaths'] = await outcome(() => Module.globalPaths);
  found['extensions'] = await outcome(() => Module._extensions);
  found['resolve'] = await outcome(() => ['./commonjs/plain.cjs', 'selfish', 'fs', 'node:fs'].map((id) => require.resolve(id)));
  found['resolve paths'] = await outcome(() => [require.resolve.paths('x'), require.resolve.paths('./x'), require.resolve('plain.cjs', { paths: [`${__dirname}/commonjs`] })]);
  found['main'] = await outcome(() => [require.main === module, require.main?.filename, process.mainModule === require.main, module.parent?.id, module.id]);
  found['createRequire'] = await outcome(() => Module.createRequire(__filename)('./commonjs/plain.cjs') === require('./commonjs/plain.cjs'));
  found['compiled by hand'] = await outcome(() => compileByHand());
  found['vm'] = await outcome(() => vm.runInThisContext('(function () { return new Error("vm").stack; })', { filename: 'in-vm.js' })());
  found['vm import'] = await outcome(() => new vm.Script('import("./names/one.mjs")', { filename: __filename, importModuleDynamically: vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER }).runInThisContext());
  found['vm import refused'] = await outcome(() => new vm.Script('import("./names/one.mjs")', { filename: __filename }).runInThisContext());
  found['vm context'] = await outcome(() => vm.runInNewContext('[typeof require, typeof process, Object.keys(globalThis).length]'));
  found['source map'] = await outcome(() => Module.findSourceMap(__filename) === undefined);
  found['loaded again'] = await outcome(() => {
    const [file, before] = [require.resolve('./commonjs/plain.cjs'), require('./commonjs/plain.cjs')];
    delete require.cache[file];
    return [require('./commonjs/plain.cjs') === before, require.cache[file].loaded];
  });
  found['require.cache'] = Object.keys(require.cache);
  found['children'] = module.children.map(({ id }) => id);
  found['after removal from the cache'] = await outcome(() => {
    for (const file of Object.keys(require.cache)) delete require.cache[file];
    return [Object.keys(require.cache).length, require('./commonjs/spread.cjs')];
  });
  return found;
};

if (require.main === module) exports.probe(['require', 'import']).then(print);

exports.print = print;
function print(found) {
  // Only where the agent is at work.
  if (globalThis[Symbol.for('otel-run.loaded')]) require('node:fs').writeFileSync(process.env.PROBE_WITNESS, 'agent');
  process.stdout.write(JSON.stringify(found));
}

function cached(file) {
  let path;
  try {
    path = require.resolve(file);
  } catch {
    return 'not resolved';
  }
  const found = require.cache[path];
  if (found === undefined) return 'not cached';
  return [found.id, found.loaded, found.children.map(({ id }) => id), Reflect.ownKeys(found).map(String), JSON.stringify(Object.getOwnPropertyDescriptors(Object(found)).loaded)];
}

function compileByHand() {
  const made = new Module('/virtual/made.js', module);
  made.filename = '/virtual/made.js';
  made.paths = module.paths;
  made._compile('module.exports = [__filename, new Error("here").stack, require("selfish").own]', made.filename);
  return [made.exports, Reflect.ownKeys(made).map(String), made.loaded];
}
