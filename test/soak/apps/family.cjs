// Usage: node family.cjs <fork|cluster|between|daemon> <ms> <spans each 20 ms>
// Processes below processes, each with numbered spans; ends when they have ended, but for the daemon.
'use strict';
const { fork, spawn } = require('node:child_process');
const cluster = require('node:cluster');
const { join } = require('node:path');
const { finishInTurn } = require('./journal.cjs');

const [kind = 'fork', ms = '200', each = '5'] = process.argv.slice(2);
const numbered = join(__dirname, 'numbered.cjs');
const words = ['natural', ms, each];
const env = { ...process.env, SOAK_QUIET: '1' };

finishInTurn(3);
if (!cluster.isWorker) setImmediate(() => console.log('ready'));
const kinds = {
  fork() {
    for (let i = 0; i < 2; i++) fork(numbered, words, { env }).on('exit', () => finishInTurn(2));
  },
  cluster() {
    if (cluster.isPrimary) {
      for (let i = 0; i < 2; i++) cluster.fork(env);
      cluster.on('exit', () => finishInTurn(2));
      return;
    }
    const timer = setInterval(() => finishInTurn(Number(each)), 20);
    setTimeout(() => {
      clearInterval(timer);
      process.disconnect();
    }, Number(ms));
  },
  between() {
    spawn('sh', ['-c', `"${process.execPath}" "${numbered}" natural ${ms} ${each} >/dev/null; true`], { stdio: ['ignore', 'inherit', 'inherit'] }).on('exit', () => finishInTurn(2));
  },
  daemon() {
    spawn(process.execPath, [numbered, 'natural', String(Number(ms) + 1000), each], { detached: true, stdio: 'ignore' }).unref();
  },
};
kinds[kind]();
