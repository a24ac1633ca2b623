// Usage: node play.cjs <fault> [words]
// Finishes a hundred numbered spans and ends, fails or goes on in the way that it is told. Runs under plain node as well.
'use strict';
const { createServer } = require('node:http');
const { ending, finish, finishFrom, openSpan, ready } = require('./spans.cjs');

const [fault, ...words] = process.argv.slice(2);
const stayAlive = () => setInterval(() => {}, 1000);
const serve = (then) => {
  const server = createServer((request, response) => response.end('ok')).listen(0, '127.0.0.1', then);
  return server;
};

const faults = {
  natural() {
    finish(100);
    ending();
  },
  /** A later run: one span, of no number that is missed. */
  nextRun: () => finishFrom(0, 0),
  exitNow() {
    finish(100);
    ending();
    process.exit(0);
  },
  exitLater() {
    finish(50);
    setTimeout(() => {
      finish(50);
      ending();
      process.exit(3);
    }, 200);
  },
  throws() {
    finish(50);
    setTimeout(() => {
      finish(50);
      ending();
      throw new Error('nobody catches this');
    }, 20);
  },
  rejects() {
    finish(50);
    setTimeout(() => {
      finish(50);
      ending();
      void Promise.reject(new Error('nobody awaits this'));
    }, 20);
  },
  /** A server without a handler, as most are. */
  serves() {
    finish(100);
    serve(ready);
  },
  /** A server that closes when it is told to. */
  closes() {
    const server = serve(() => {
      finish(50);
      ready();
    });
    const close = () => {
      finish(25);
      server.close(() => {
        finish(25);
        process.exit(0);
      });
    };
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.once(signal, close);
  },
  stays() {
    finish(100);
    stayAlive();
    ready();
  },
  aborts() {
    finish(100);
    setTimeout(() => {
      ending();
      process.abort();
    }, 20);
  },
  runsOutOfMemory() {
    finish(100);
    setTimeout(() => {
      ending();
      for (const kept = []; ; ) kept.push(new Array(1e6).fill(kept.length));
    }, 20);
  },
  burst() {
    finish(20_000);
    ending();
  },
  /** Goes on for a while behind its last span, so that the backend's misbehaviour can be seen. */
  lingers() {
    finish(100);
    setTimeout(ending, Number(words[0] ?? 1500));
  },
};

module.exports = { faults };
if (require.main === module) {
  if (faults[fault] === undefined) throw new Error(`no fault ${fault}`);
  faults[fault]();
}
