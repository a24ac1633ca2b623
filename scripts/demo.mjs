// Usage: npm run demo
// Installs, builds, and runs a small shop under otel-run with no backend: its trace trees are printed.
import { spawn } from 'node:child_process';
import { delimiter, dirname, join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { ensureApps } from './setup/apps.mjs';
import { ensurePackages } from './setup/packages.mjs';
import { splitTrees } from './setup/trees.mjs';

const BUILD_LIMIT_MS = 60_000;
const START_LIMIT_MS = 20_000;
const ANSWER_LIMIT_MS = 10_000;
const END_LIMIT_MS = 20_000;

const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const ROUTE = 'GET /orders/:id';
const ORDERS = [
  { path: '/orders/1', expected: 200 },
  { path: '/orders/2', expected: 200 },
  { path: '/orders/3', expected: 502 },
];

const root = resolve(import.meta.dirname, '..');

try {
  await demo();
} catch (error) {
  console.error(`demo: ${error.message}`);
  process.exitCode = 1;
}

async function demo() {
  await prepare();
  const shop = startShop();
  try {
    const origin = await shop.listening();
    for (const order of ORDERS) await ask(origin, order);
    await shop.end();
  } finally {
    shop.kill();
  }
  checkTrees(shop.printed());
}

async function prepare() {
  say('installing the packages of otel-run, where they are missing');
  await ensurePackages(root, { scripts: true });
  say('building');
  await build();
  say('installing the packages of the demo shop, where they are missing');
  await ensureApps(['demo']);
}

async function build() {
  const child = spawn(process.execPath, ['scripts/build.mjs'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: BUILD_LIMIT_MS,
  });
  const { code, ending } = await ended(child);
  if (code !== 0) throw new Error(`the build ended with ${ending}; its own words are above`);
}

/** The shop under otel-run, in a process group of its own so that nothing of it can be left behind. */
function startShop() {
  const command = ['bin/otel-run.js', '--print', 'node', 'examples/demo/server.js'];
  say(`node ${command.join(' ')}`);
  const child = spawn(process.execPath, command, {
    cwd: root,
    env: shopEnv(),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  });
  const ending = ended(child);
  const text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (chunk) => {
      text[stream] += chunk;
      process.stdout.write(chunk);
    });
  }
  const interrupt = () => child.kill('SIGTERM');
  for (const signal of INTERRUPTS) process.once(signal, interrupt);

  return {
    printed: () => text.stderr,
    listening: async () => {
      const heard = new Promise((resolve) => {
        child.stdout.on('data', () => {
          const found = /shop listening on (\S+)\n/.exec(text.stdout);
          if (found) resolve(found[1]);
        });
      });
      const endedEarly = ending.then((how) => {
        throw new Error(`the shop ended with ${how.ending} before it listened`);
      });
      return within(START_LIMIT_MS, 'the shop did not listen', Promise.race([heard, endedEarly]));
    },
    end: async () => {
      say('SIGTERM to the shop');
      child.kill('SIGTERM');
      const how = await within(END_LIMIT_MS, 'the shop did not end after SIGTERM', ending);
      if (how.code !== 0) throw new Error(`the shop ended with ${how.ending}, under plain node with code 0`);
    },
    kill: () => {
      for (const signal of INTERRUPTS) process.off(signal, interrupt);
      if (child.exitCode !== null || child.signalCode !== null) return;
      if (child.pid && process.platform !== 'win32') process.kill(-child.pid, 'SIGKILL');
      else child.kill('SIGKILL');
    },
  };
}

// Only the demo decides where its traces go, whatever the shell it is started from has set.
function shopEnv() {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^OTEL_/i.test(name)));
  env.PATH = [dirname(process.execPath), env.PATH].join(delimiter);
  env.PORT = '0';
  if (process.stdout.isTTY && !env.NO_COLOR) env.FORCE_COLOR = '1';
  return env;
}

async function ask(origin, { path, expected }) {
  const response = await fetch(origin + path, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) }).catch((error) => {
    throw new Error(`GET ${path} got no answer: ${error.cause?.message ?? error.message}`);
  });
  say(`GET ${path} -> ${response.status} ${await response.text()}`);
  if (response.status !== expected) throw new Error(`GET ${path} answered ${response.status} instead of ${expected}`);
}

function checkTrees(printed) {
  const trees = splitTrees(stripVTControlCharacters(printed));
  const ofRoute = trees.filter((spans) => spans.some((line) => line.includes(ROUTE)));
  if (ofRoute.length === 0) {
    throw new Error(`none of the ${trees.length} printed trees holds ${ROUTE}`);
  }
  const spans = Math.max(...ofRoute.map((tree) => tree.length));
  if (spans < 3) throw new Error(`the largest tree with ${ROUTE} holds ${spans} of at least 3 spans`);
  say(`done: ${trees.length} trees, the largest with ${ROUTE} holds ${spans} spans`);
}

function ended(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, ending: signal ?? `code ${code}` }));
  });
}

async function within(limit, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} within ${limit / 1000} s`)), limit);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function say(words) {
  console.log(`demo: ${words}`);
}
