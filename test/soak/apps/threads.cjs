// Usage: node threads.cjs <natural|exit> <ms> <spans each 20 ms>
// Two worker threads and the main thread finish spans; `exit` ends the process over their heads, the workers' last turn is then lost.
'use strict';
const { Worker, isMainThread } = require('node:worker_threads');
const { finish, finishInTurn, violent } = require('./journal.cjs');

const [ending = 'natural', ms = '200', each = '5'] = process.argv.slice(2);
const until = Date.now() + Number(ms);
if (isMainThread) for (let i = 0; i < 2; i++) new Worker(__filename, { argv: process.argv.slice(2) });
else if (ending === 'exit') violent();
const timer = setInterval(() => {
  finishInTurn(Number(each));
  if (Date.now() < until) return;
  if (ending === 'natural') return clearInterval(timer);
  if (!isMainThread) return;
  finish(5);
  process.exit(3);
}, 20);
if (isMainThread) setImmediate(() => console.log('ready'));
