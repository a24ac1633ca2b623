// Usage: node numbered.cjs <ending> <ms> <spans each 20 ms>
// Finishes numbered spans for so long, then ends as it is told; `stays` and `handles` end when they are told to from outside.
'use strict';
const { finish, finishInTurn, violent } = require('./journal.cjs');

const [ending = 'natural', ms = '200', each = '5'] = process.argv.slice(2);
const until = Date.now() + Number(ms);
finishInTurn(3);
const timer = setInterval(() => {
  finishInTurn(Number(each));
  if (Date.now() >= until && endings[ending] !== undefined) endings[ending]();
}, 20);
if (process.send === undefined || process.env.SOAK_QUIET === undefined) setImmediate(() => console.log('ready'));

const endings = {
  natural: () => clearInterval(timer),
  exit() {
    finish(5);
    process.exit(3);
  },
  exitListener() {
    process.on('exit', () => finish(5));
    process.exit(4);
  },
  throw() {
    finish(5);
    throw new Error('on purpose');
  },
  reject() {
    clearInterval(timer);
    finish(5);
    void Promise.reject(new Error('on purpose'));
  },
  abort() {
    violent();
    process.abort();
  },
  outOfMemory() {
    violent();
    for (const kept = []; ; ) kept.push(new Array(1e6).fill(kept.length));
  },
};
if (ending === 'handles') {
  process.on('SIGTERM', () => {
    finishInTurn(5);
    clearInterval(timer);
  });
} else if (ending === 'handlesAndExits') {
  process.on('SIGTERM', () => {
    finish(5);
    process.exit(0);
  });
}
