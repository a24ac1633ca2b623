// Watches what is loaded, by hooks of Node's own where it has them.
// Usage: node load-hooks.cjs
const Module = require('node:module');

const seen = [];
Module.registerHooks?.({
  resolve: (specifier, context, next) => next(specifier, context),
  load(url, context, next) {
    const result = next(url, context);
    seen.push(url.split('/').slice(-2).join('/'), result.format);
    return result;
  },
});

const { borrow } = require('./pool.cjs');
borrow('hooks').then(async (name) => console.log(name, (await import('./hooked/user.mjs')).default.length, seen));
