// Replaces what a module requires, by proxyquire.
// Usage: node proxyquire.cjs
const proxyquire = require('proxyquire');

const stub = { createPool: () => ({ acquire: async () => ({ name: 'stub' }), release: async () => {}, drain: async () => {}, clear: async () => {} }) };

(async () => {
  const seen = [];
  const note = async (pool) => seen.push(await pool.borrow('real'));
  await note(require('./pool.cjs'));
  await note(proxyquire('./pool.cjs', { 'generic-pool': stub }));
  // What the stub lacks is the library's.
  await note(proxyquire('./pool.cjs', { 'generic-pool': {} }));
  await note(proxyquire.noCallThru().load('./pool.cjs', { 'generic-pool': stub }));
  await note(proxyquire.noPreserveCache().load('./pool.cjs', { 'generic-pool': { ...stub, '@global': true } }));
  await note(proxyquire.callThru().load('./pool.cjs', {}));
  const users = proxyquire('./hooked/user.cjs', { '../pool.cjs': { borrow: async () => 'replaced' }, 'node:os': { hostname: () => 'here' }, missing: { '@noCallThru': true, found: true } });
  seen.push(await users.use(), require('./pool.cjs') === require('./pool.cjs'));
  console.log(seen, Object.keys(stub), require('node:module')._load.length);
  try {
    proxyquire('./hooked/user.cjs', { missing: undefined });
  } catch (error) {
    console.log(error.message);
  }
})();
