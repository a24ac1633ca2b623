// Usage: npm run bench [-- --rounds 9 --requests 20000 --only signals]
// Start-up, CPU per request, memory and installed size, side by side in one run: medians, and ratios to plain node.
import { spawn, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { contenders, signalContenders } from './contenders.mjs';
import { commandLine, cpuSeconds, filesMiB, processTree, pssMiB } from './processes.mjs';
import { ensureNodes } from '../scripts/setup/nodes.mjs';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '9' }, requests: { type: 'string', default: '20000' }, only: { type: 'string' } } });
const rounds = Number(values.rounds);
const requests = Number(values.requests);
const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '..');

prepare();
const nodes = await ensureNodes();
const node = nodes.node24 ?? process.execPath;
const server = join(here, 'apps', 'server.cjs');
const cliPath = join(root, 'bin', 'otel-run.js');
const home = mkdtempSync(join(tmpdir(), 'bench-home-'));
const spool = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'bench-spool-'));

console.log(`Node ${execFileSync(node, ['-p', 'process.versions.node']).toString().trim()}, ${rounds} rounds, ${requests} requests a round\n`);
const wanted = (part) => values.only === undefined || values.only === part;
if (wanted('start-up')) await startUp('Start-up', contenders, server);
if (wanted('load')) await load('Load', contenders, server);
if (wanted('signals')) await startUp('Start-up by signals', signalContenders, join(here, 'apps', 'logging.cjs'));
if (wanted('signals')) await load('Signals, and a log line a request', signalContenders, join(here, 'apps', 'logging.cjs'));
if (wanted('sizes')) sizes();
for (const dir of [home, spool]) rmSync(dir, { recursive: true, force: true });

async function startUp(title, contenders, script) {
  const empty = join(mkdtempSync(join(tmpdir(), 'bench-')), 'empty.cjs');
  writeFileSync(empty, '');
  const backend = await receiver();
  const first = new Map(contenders.map((contender) => [contender, []]));
  const bare = new Map(contenders.map((contender) => [contender, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const contender of contenders) {
      const started = process.hrtime.bigint();
      const app = await start(contender, [script], backend.port);
      await fetchOnce(app.port, '/users/1');
      const answered = milliseconds(started);
      await stop(app);
      const began = process.hrtime.bigint();
      await runToEnd(contender, [empty], backend.port);
      const ended = milliseconds(began);
      // The first round warms the disk and the compile caches.
      if (round > 0) first.get(contender).push(answered), bare.get(contender).push(ended);
    }
  }
  backend.kill();
  table(`${title}: from the command to the first answer of an Express application; an empty script to its end`, ['', 'first answer', 'added', 'x node', 'empty script', 'added', 'x node'], contenders.map((contender) => [
    contender.name,
    ...compared(median(first.get(contender)), median(first.get(contenders[0])), 'ms'),
    ...compared(median(bare.get(contender)), median(bare.get(contenders[0])), 'ms'),
  ]));
}

async function load(title, contenders, script) {
  const rows = [];
  const figures = new Map(contenders.map((contender) => [contender, { all: [], app: [], pss: [], spans: [] }]));
  for (let round = 0; round < Math.max(3, Math.ceil(rounds / 3)); round++) {
    for (const contender of contenders) {
      const backend = await receiver();
      const app = await start(contender, [script], backend.port);
      await hammer(app.port, 500);
      await settled(backend, contender.traced ? 500 : 0);
      const before = cpu(app, script);
      await hammer(app.port, requests);
      const counted = await settled(backend, contender.traced ? 500 + requests : 0);
      const after = cpu(app, script);
      const figure = figures.get(contender);
      figure.all.push(((after.all - before.all) / requests) * 1e6);
      figure.app.push(((after.app - before.app) / requests) * 1e6);
      figure.pss.push(processTree(app.child.pid).reduce((sum, pid) => sum + pssMiB(pid), 0) + filesMiB(spool));
      figure.spans.push(counted - 500);
      await stop(app);
      backend.kill();
    }
  }
  const base = figures.get(contenders[0]);
  for (const contender of contenders) {
    const { name, traced } = contender;
    const { all, app, pss, spans } = figures.get(contender);
    rows.push([name, ...compared(median(all), median(base.all), 'us'), ...compared(median(app), median(base.app), 'us'), `${median(pss).toFixed(0)} MiB`, traced ? `${spans.join(', ')}` : '-']);
  }
  table(`${title}: CPU a request of all processes, of the application's alone; memory (PSS of all processes and spool pages); server spans received of ${requests}`, ['', 'CPU, all', 'added', 'x node', 'CPU, app', 'added', 'x node', 'memory', 'received'], rows);
}

function sizes() {
  const dir = mkdtempSync(join(tmpdir(), 'bench-size-'));
  const tarball = execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', dir], { cwd: root }).toString().trim();
  writeFileSync(join(dir, 'package.json'), '{"private":true}');
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', join(dir, tarball)], { cwd: dir, stdio: ['ignore', 'ignore', 'inherit'] });
  table('Installed size', ['', 'node_modules'], [
    ['otel-run', `${filesMiB(join(dir, 'node_modules')).toFixed(1)} MiB`],
    ['stock preload', `${filesMiB(join(here, 'peers', 'stock', 'node_modules')).toFixed(1)} MiB`],
    ['dd-trace', `${filesMiB(join(here, 'peers', 'dd', 'node_modules')).toFixed(1)} MiB`],
  ]);
  rmSync(dir, { recursive: true, force: true });
}

/** Starts `args` under a contender; resolves when the application says its port. */
async function start(contender, args, backendPort) {
  const [file, ...rest] = contender.command(node, args);
  const child = spawn(file, rest, { env: environment(contender.env(backendPort)), stdio: ['ignore', 'pipe', 'inherit'] });
  return { child, port: await portOf(child) };
}

async function runToEnd(contender, args, backendPort) {
  const [file, ...rest] = contender.command(node, args);
  const child = spawn(file, rest, { env: environment(contender.env(backendPort)), stdio: ['ignore', 'ignore', 'inherit'] });
  await new Promise((resolve) => child.once('exit', resolve));
}

/** The stock preload ignores SIGTERM, so all are ended the hard way, each process by its own pid. */
async function stop({ child }) {
  const pids = processTree(child.pid);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      continue; // ended meanwhile
    }
  }
  await ended;
}

function cpu({ child }, script) {
  const pids = processTree(child.pid);
  const application = pids.find((pid) => commandLine(pid).includes(script) && !commandLine(pid).includes(cliPath)) ?? child.pid;
  return { all: pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0), app: cpuSeconds(application) };
}

/** A backend of its own for every application, so that counts cannot mix. */
async function receiver() {
  const child = spawn(process.execPath, [join(here, 'receiver.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
  return { port: await portOf(child), kill: () => child.kill('SIGKILL') };
}

/** Waits until the receiver has counted `expected` server spans, 20 s at most; resolves with what it has counted. */
async function settled(backend, expected) {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const { serverSpans } = JSON.parse(await fetchOnce(backend.port, '/counts'));
    if (serverSpans >= expected || Date.now() > deadline) return serverSpans;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** `count` requests over 8 kept connections. */
async function hammer(port, count) {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  let next = 0;
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (next < count) await fetchOnce(port, `/users/${next++}`, agent);
  }));
  agent.destroy();
}

function fetchOnce(port, path, agent) {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent, timeout: 10_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk) => (body += chunk)).on('end', () => resolve(body));
    }).on('error', reject);
  });
}

function portOf(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const match = /listening on (\d+)/.exec(text);
      if (match !== null) resolve(Number(match[1]));
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it listened: ${text}`)));
  });
}

/** Nothing of the caller's telemetry settings reaches a contender. */
function environment(more) {
  return { PATH: process.env.PATH, HOME: home, XDG_STATE_HOME: home, OTEL_RUN_SPOOL_DIR: spool, ...more };
}

function prepare() {
  for (const peer of readdirSync(join(here, 'peers'))) {
    const cwd = join(here, 'peers', peer);
    if (existsSync(join(cwd, 'node_modules'))) continue;
    execFileSync('npm', ['ci', '--ignore-scripts', '--silent', '--no-audit', '--no-fund'], { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  if (!existsSync(join(root, 'node_modules'))) execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: 'inherit' });
  execFileSync(process.execPath, [join(root, 'scripts', 'build.mjs')], { cwd: root, stdio: 'inherit' });
}

function compared(value, base, unit) {
  const digits = unit === 'ms' ? 0 : 1;
  return [`${value.toFixed(digits)} ${unit}`, `+${(value - base).toFixed(digits)}`, (value / base).toFixed(2)];
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function milliseconds(since) {
  return Number(process.hrtime.bigint() - since) / 1e6;
}

function table(title, head, rows) {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('  ');
  console.log([`${title}:`, ...all.map(line), ''].join('\n'));
}
