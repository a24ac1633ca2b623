// Usage: node play.cjs <fault> [words]
// Finishes a hundred numbered spans and ends, fails or goes on in the way that it is told. Runs under plain node as well.
'use strict';
const { closeSync, fstatSync, openSync, readFileSync, readdirSync, rmSync, writeSync } = require('node:fs');
const { createServer } = require('node:http');
const { join } = require('node:path');
const { ending, finish, finishFrom, finishNamed, ready } = require('./spans.cjs');

const [fault, ...words] = process.argv.slice(2);
const stayAlive = () => setInterval(() => {}, 1000);
const serve = (then) => {
  const server = createServer((request, response) => response.end('ok')).listen(0, '127.0.0.1', then);
  return server;
};

const faults = {
  natural() {
    finish(Number(words[0] ?? 100));
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
  /** A thousand spans a second. */
  flows() {
    let seconds = Number(words[0]) * 10;
    const timer = setInterval(() => {
      finish(100);
      if (--seconds > 0) return;
      clearInterval(timer);
      ending();
    }, 100);
  },
  opensAll() {
    const held = [];
    finish(50);
    try {
      for (;;) held.push(openSync('/dev/null', 'r'));
    } catch (error) {
      console.log(error.code);
    }
    finish(50);
    setTimeout(() => {
      for (const fd of held) closeSync(fd);
      ending();
    }, 500);
  },
  /** Sends its spans by itself, as it was set up to in code. */
  async ownSdk() {
    const { trace } = require('@opentelemetry/api');
    const { BatchSpanProcessor, BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
    const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
    const url = `${process.env.FAULTS_BACKEND}/v1/traces`;
    const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))] });
    console.log(trace.setGlobalTracerProvider(provider));
    const tracer = trace.getTracer('own');
    for (let n = 1; n <= 100; n++) tracer.startSpan(`span ${n}`, { attributes: { 'test.n': n } }).end();
    await provider.shutdown();
    ending();
  },
  threads() {
    const { Worker, isMainThread } = require('node:worker_threads');
    if (!isMainThread) return finishFrom(51, 100);
    finish(50);
    new Worker(__filename, { argv: ['threads'] }).on('exit', ending);
  },
  cluster() {
    const cluster = require('node:cluster');
    if (cluster.isWorker) {
      finishFrom(51, 100);
      return process.disconnect();
    }
    finish(50);
    cluster.fork().on('exit', ending);
  },
  forks() {
    if (process.send !== undefined) {
      finishFrom(51, 100);
      return process.disconnect();
    }
    finish(50);
    require('node:child_process').fork(__filename, ['forks']).on('exit', ending);
  },
  /** A line of so many processes. */
  descends() {
    const left = Number(words[0]);
    const each = 100 / Number(words[1] ?? left);
    const from = each * (Number(words[1] ?? left) - left);
    finishFrom(from + 1, from + each);
    if (left === 1) return;
    const child = require('node:child_process').spawn(process.execPath, [__filename, 'descends', left - 1, words[1] ?? left], { stdio: 'inherit' });
    if (words[1] === undefined) child.on('exit', ending);
  },
  prints() {
    finish(100);
    for (let i = 0; i < 10_000; i++) console.log('line', i);
  },
  asksTerminal() {
    finish(100);
    const { stdin, stdout, stderr } = process;
    console.log([stdin.isTTY, stdout.isTTY, stderr.isTTY, stdout.columns, stdout.getColorDepth()].join());
    ending();
  },
  escapes() {
    finish(50, { 'shop.note': 'a\u001b]0;owned\u0007b' });
    finishNamed('\u001b]0;owned\u0007 \u001b[31mred');
    finish(49);
    ending();
  },
  oddValues() {
    const circular = {};
    circular.self = circular;
    const throwing = { get value() { throw new Error('a getter'); }, toString() { throw new Error('a toString'); }, toJSON() { throw new Error('a toJSON'); } };
    const odd = [NaN, Infinity, 12345678901234567890n, circular, 'x'.repeat(1e6), throwing, null, undefined, Symbol('s'), () => {}, [1, 'two', null, NaN], new Date(NaN), Buffer.alloc(10)];
    const { now } = Date;
    for (const value of odd) finish(7, { 'shop.odd': value });
    Date.now = () => now() - 86_400_000;
    finish(5);
    Date.now = () => NaN;
    finish(4);
    Date.now = now;
    ending();
  },
  blocks() {
    finish(99);
    const recurse = () => recurse() + 1;
    try {
      recurse();
    } catch (error) {
      console.log(error.message);
    }
    finish(1);
    for (const until = Date.now() + 2000; Date.now() < until; );
    ending();
    process.exit(0);
  },
  closesFiles() {
    finish(50);
    setTimeout(() => {
      for (const fd of readdirSync('/proc/self/fd').map(Number)) {
        if (fd > 2 && isFile(fd)) closeSync(fd);
      }
      const mine = openSync(join(process.env.TMPDIR, 'mine'), 'w+');
      writeSync(mine, 'mine alone\n');
      finish(50);
      setTimeout(() => {
        console.log(readFileSync(join(process.env.TMPDIR, 'mine'), 'latin1'));
        ending();
      }, 100);
    }, 100);
  },
  deletesTemporary() {
    finish(50);
    setTimeout(() => {
      rmSync(join(process.env.TMPDIR, 'spool'), { recursive: true, force: true });
      process.chdir('/');
      finish(50);
      setTimeout(ending, 100);
    }, 100);
  },
  setsUid() {
    finish(50);
    setTimeout(() => {
      process.setgid(65534);
      process.setuid(65534);
      finish(50);
      console.log(process.getuid());
      setTimeout(ending, 100);
    }, 100);
  },
};

function isFile(fd) {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
}

module.exports = { faults };
// A worker thread has no main module.
if (require.main === module || require.main === undefined) {
  if (faults[fault] === undefined) throw new Error(`no fault ${fault}`);
  faults[fault]();
}
