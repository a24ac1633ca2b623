// Replaces what an ES module imports, by esmock.
// Usage: node esmock.mjs
import esmock from 'esmock';
import { take } from './hooked/user.mjs';

const stub = { createPool: () => ({ acquire: async () => ({ name: 'stub' }), release: async () => {}, drain: async () => {}, clear: async () => {} }) };

const seen = [await take('real')];
seen.push(await (await esmock('./hooked/user.mjs', { 'generic-pool': { default: stub, ...stub } })).take('mocked'));
const missing = await esmock('./hooked/user.mjs', { 'no-such-package': {} }).catch((error) => error);
seen.push(missing.message.split('\n')[0]);
seen.push(await (await esmock('./hooked/user.mjs', { 'node:os': { hostname: () => 'here' } })).take('named'));
seen.push(await (await esmock.strict('./hooked/user.mjs', { 'node:os': { hostname: () => 'alone', default: {} } })).take('strict'));
seen.push(await (await esmock('./hooked/user.mjs', {}, { 'node:os': { hostname: () => 'everywhere' } })).take('global'));
const later = await esmock.p('./hooked/user.mjs', { 'node:os': { hostname: () => 'later' } });
seen.push(await later.take('later'));
esmock.purge(later);
seen.push(await take('real'), Object.keys(later));
console.log(seen);
