#!/usr/bin/env node
/**
 * A backend that is down while an application works on: what it costs, and whether everything is accounted for.
 *
 *     node scripts/soak/backend-down.mjs [--minutes 10] [--rate 1000] [--bytes 600] [--topology parent|replace] [--every 10] [--spool 64MiB] [--json]
 *
 * Prints the memory of all processes (PSS), the spool and the state directory every ten seconds; at the end the growth a minute
 * from minute 2 on (in shorter runs from a fifth of the time on), and `delivered + kept + lost = produced`, for which the
 * backend comes back and counts. Ends with 1 where something grows or is missing.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createServer } from 'node:http';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '1000' },
    bytes: { type: 'string', default: '600' },
    topology: { type: 'string', default: 'parent' },
    every: { type: 'string', default: '10' },
    spool: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
});
const [minutes, rate, bytes, every] = [values.minutes, values.rate, values.bytes, values.every].map(Number);
const MOST_MIB_A_MINUTE = 1;
const KEPT_CAP_MIB = 256;
const MIB = 1024 * 1024;

const dir = mkdtempSync(join(tmpdir(), 'backend-down-'));
const spoolBase = existsSync('/dev/shm') ? mkdtempSync('/dev/shm/backend-down-') : join(dir, 'spool');
const [home, said] = [join(dir, 'home'), join(dir, 'said')];
mkdirSync(home);
const port = await closedPort();
const env = {
  PATH: process.env.PATH,
  HOME: home,
  TMPDIR: dir,
  OTEL_RUN_SPOOL_DIR: spoolBase,
  OTEL_RUN_SPOOL_SIZE: values.spool,
  OTEL_RUN_KEEP: 'true',
  OTEL_RUN_WAIT: String(values.topology === 'parent'),
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
};
const words = openSync(said, 'w');
const app = spawn(process.execPath, [join(root, 'bin/otel-run.js'), process.execPath, join(root, 'test/fixtures/export/steady.cjs'), String(rate), String(minutes * 60), String(bytes)], {
  cwd: root,
  env,
  stdio: ['ignore', 'pipe', words],
});
let stdout = '';
app.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
const ended = new Promise((resolve) => app.once('close', (code, signal) => resolve(code ?? signal)));

const samples = [];
const began = performance.now();
if (!values.json) console.log('seconds  processes  PSS MiB  of otel-run  spool MiB  kept MiB');
const timer = setInterval(() => {
  const sample = look();
  samples.push(sample);
  if (!values.json) console.log([sample.seconds.toFixed(0).padStart(7), String(sample.processes).padStart(10), ...[sample.pss, sample.own, sample.spool, sample.kept].map((mib, at) => mib.toFixed(1).padStart([8, 12, 10, 9][at]))].join(' '));
}, every * 1000);
const ending = await ended;
clearInterval(timer);
while (processes().length > 0) await new Promise((resolve) => setTimeout(resolve, 100));
closeSync(words);

const produced = Number(/produced (\d+)/.exec(stdout)?.[1] ?? 0);
const keptMib = folderBytes(home) / MIB;
const { received, lines } = await bringBack();
const lost = sum([...lines.matchAll(/(\d+) spans? for \S+ lost/g)].map(([, count]) => Number(count)));
const from = minutes > 3 ? 120 : minutes * 12;
const late = samples.filter(({ seconds }) => seconds >= from);
const growth = Object.fromEntries(['pss', 'own', 'spool'].map((what) => [what, slope(late.map((one) => one.seconds / 60), late.map((one) => one[what]))]));
const most = Object.fromEntries(['pss', 'own', 'spool', 'kept'].map((what) => [what, Math.max(...samples.map((one) => one[what]))]));
const result = { ending, produced, received: received.size, twice: received.twice, lost, missing: produced - received.size - lost, keptMib, growthMibAMinute: growth, mostMib: most, lines: lines.trim().split('\n') };
const faults = [
  ...(ending === 0 ? [] : [`it ended with ${ending}`]),
  ...(produced > 0 && result.missing === 0 ? [] : [`${result.missing} spans are not accounted for`]),
  ...(Math.max(growth.own, growth.spool, growth.pss) < MOST_MIB_A_MINUTE || minutes <= 3 ? [] : ['memory grows']),
  ...(most.kept <= KEPT_CAP_MIB + 4 ? [] : ['the state directory is above its cap']),
];
if (values.json) console.log(JSON.stringify({ ...result, samples, faults }));
else {
  console.log(`growth a minute from second ${from} on: ${Object.entries(growth).map(([what, mib]) => `${what} ${mib.toFixed(2)} MiB`).join(', ')}`);
  console.log(`produced ${produced} = received ${received.size} + lost and counted ${lost}${result.missing === 0 ? '' : ` + MISSING ${result.missing}`}; twice ${received.twice}; kept at most ${most.kept.toFixed(0)} MiB`);
  console.log(result.lines.map((line) => `  ${line}`).join('\n'));
  console.log(faults.length === 0 ? 'ok' : `FAILED: ${faults.join('; ')}`);
}
for (const path of [dir, spoolBase]) rmSync(path, { recursive: true, force: true });
process.exitCode = faults.length === 0 ? 0 : 1;

/** Of this soak: by the temporary directory that it was given. */
function processes() {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && read(`/proc/${name}/environ`).includes(`TMPDIR=${dir}\0`));
}

function look() {
  const pids = processes();
  const pssOf = (pid) => Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) / 1024;
  const isApplication = (pid) => values.topology === 'replace' ? Number(pid) === app.pid : Number(pid) !== app.pid;
  return {
    seconds: (performance.now() - began) / 1000,
    processes: pids.length,
    pss: sum(pids.map(pssOf)),
    own: sum(pids.filter((pid) => !isApplication(pid)).map(pssOf)),
    spool: folderBytes(spoolBase) / MIB,
    kept: folderBytes(home) / MIB,
  };
}

/** Ends the outage: what was kept is drained, by number. */
async function bringBack() {
  const received = Object.assign(new Set(), { twice: 0 });
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
      for (const n of numbersIn(Buffer.concat(chunks))) {
        if (received.has(n)) received.twice++;
        received.add(n);
      }
      response.end();
    });
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const otelRun = (...args) =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, [join(root, 'bin/otel-run.js'), ...args], { cwd: root, env, stdio: ['ignore', 'ignore', 'pipe'] });
      let text = '';
      child.stderr.setEncoding('utf8').on('data', (more) => (text += more));
      child.once('close', () => resolve(text));
    });
  await otelRun('drain');
  // What the exporter behind a replaced launcher had to say is said by the next run.
  const lastWords = values.topology === 'replace' ? await otelRun(process.execPath, '-e', '0') : '';
  await new Promise((resolve) => server.close(resolve));
  return { received, lines: `${readFileSync(said, 'utf8')}${lastWords}` };
}

/** The values of the attribute `test.n` in an export request: key (field 1) "test.n", value (field 2) { int (field 3) }. */
function numbersIn(body) {
  const mark = Buffer.from('\n\x06test.n\x12', 'latin1');
  const found = [];
  for (let at = body.indexOf(mark); at >= 0; at = body.indexOf(mark, at + 1)) {
    let [n, scale] = [0, 1];
    for (let next = at + mark.length + 2; ; next++) {
      n += (body[next] & 0x7f) * scale;
      scale *= 128;
      if (body[next] < 0x80) break;
    }
    found.push(n);
  }
  return found;
}

function folderBytes(folder) {
  let bytes = 0;
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      try {
        if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).size;
      } catch {
        // Gone meanwhile.
      }
    }
  } catch {
    // Gone.
  }
  return bytes;
}

/** Least squares. */
function slope(xs, ys) {
  if (xs.length < 2) return 0;
  const [mx, my] = [sum(xs) / xs.length, sum(ys) / ys.length];
  return sum(xs.map((x, at) => (x - mx) * (ys[at] - my))) / sum(xs.map((x) => (x - mx) ** 2));
}

function sum(numbers) {
  return numbers.reduce((all, one) => all + one, 0);
}

function read(path) {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

async function closedPort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
