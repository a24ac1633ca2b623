// Compiles what is loaded on the way, by pirates: as Babel's register, esbuild-register and sucrase do.
// Usage: node pirates.cjs
const { addHook } = require('pirates');

const seen = [];
const revert = addHook(
  (code, filename) => {
    seen.push(filename.replaceAll('\\', '/').split('/').slice(-2).join('/'));
    return code.replaceAll('__COMPILED__', JSON.stringify('compiled'));
  },
  { exts: ['.cjs', '.js', '.odd'], ignoreNodeModules: false, matcher: (filename) => !filename.includes('never') },
);
const again = addHook((code) => code.replaceAll('"compiled"', '"compiled twice"'), { exts: ['.odd'] });

const { borrow } = require('./pool.cjs');
const compiled = require('./hooked/compiled.odd');
revert();
again();
const left = require('./hooked/left.cjs');

borrow('pirates').then((name) => {
  console.log({ name, compiled, left, seen, order: Object.keys(require.cache).length });
  console.log(require('node:module')._extensions['.odd']?.length, require('node:module')._extensions['.js'].length);
  try {
    compiled.fail();
  } catch (error) {
    console.log(error.stack.split('\n').slice(0, 3).join('\n'));
  }
});
