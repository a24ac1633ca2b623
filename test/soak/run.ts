/**
 * Usage: npm run soak -- [--minutes 60] [--seed 7] [--step 12]
 *
 * A random walk of applications, endings, backend troubles and kills, and at its end the invariant: each span that an
 * application has finished has arrived, or its loss was said; nothing of ours is left. A failure names its seed and its steps.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { closedPort, startReceiver, type Misbehaviour, type ReceivedSpan, type Receiver } from '../harness/receiver.ts';
import { decodeProtobuf } from '../harness/otlp-decode.ts';
import { readAccount, saidLost } from './account.ts';
import { startLongRunner } from './long-runners.ts';
import { commandLine, killAll, playStep, processesOf, wait, type Place } from './play-step.ts';
import { stepOf, weatherOf, type Step, type Weather } from './walk.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '2' }, seed: { type: 'string' }, step: { type: 'string', multiple: true }, verbose: { type: 'boolean', default: false } } });
const soakMs = Number(values.minutes) * 60_000;
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e6));
const AT_ONCE = 3;
const SETTLED_MS = 30_000;
const cli = fileURLToPath(new URL('../../bin/otel-run.js', import.meta.url));

const base = statSync('/dev/shm', { throwIfNoEntry: false })?.isDirectory() ? '/dev/shm' : tmpdir();
const spool = mkdtempSync(join(base, 'soak-'));
const dir = mkdtempSync(join(tmpdir(), 'soak-'));
const port = await closedPort();
const place: Place = {
  dir,
  journals: join(dir, 'journals'),
  env: { PATH: process.env.PATH ?? '', HOME: join(dir, 'home'), OTEL_RUN_SPOOL_DIR: spool, OTEL_RUN_STATE_DIR: join(dir, 'state'), OTEL_BSP_SCHEDULE_DELAY: '100', OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
};
for (const path of [place.journals, join(dir, 'home')]) mkdirSync(path);

const arrived = new Map<string, number>();
/** What the backend has refused for good at least once: nothing else may be missing. */
const refused = new Set<string>();
let trouble: Weather['trouble'] = null;
let receiver = null as Receiver | null;
const problems: string[] = [];
const violent = new Set<number>();
let said = '';
let steps = 0;
console.log(`soak: seed ${seed}, ${values.minutes} minutes`);

const started = Date.now();
const isOver = (): boolean => Date.now() - started >= soakMs;
const counting = setInterval(collect, 500);
const runners = (['replace', 'parent'] as const).map((topology) => startLongRunner(topology, place, soakMs));
const looking = setInterval(() => runners.forEach((runner) => runner.look()), 2000);
const changing = changeWeather();
await Promise.all(Array.from({ length: AT_ONCE }, walk));
for (const runner of runners) {
  runner.stop();
  note(runner.step, await runner.played);
  problems.push(...runner.faults());
}
clearInterval(looking);
await changing;
await settle();
clearInterval(counting);
judge();
await receiver?.close();
receiver = null;
if (problems.length === 0) for (const path of [dir, spool]) rmSync(path, { recursive: true, force: true });
process.exitCode = problems.length === 0 ? 0 : 1;

async function walk(): Promise<void> {
  while (!isOver()) {
    const number = steps++;
    if (values.step !== undefined && !values.step.includes(String(number))) {
      if (number > Math.max(...values.step.map(Number))) return;
      continue;
    }
    const step = stepOf(seed, number);
    const played = await playStep(step, place);
    note(step, played);
    if (values.verbose) console.log(JSON.stringify(step), played.stderr);
  }
}

function note(step: Step, { stderr, faults, violent: isViolent }: Awaited<ReturnType<typeof playStep>>): void {
  said += stderr.split('\n').filter((line) => line.startsWith('otel-run: ')).map((line) => `${step.number} ${line}\n`).join('');
  if (isViolent) violent.add(step.number);
  for (const fault of faults) problems.push(`step ${step.number}: ${fault}; ${JSON.stringify(step)}`);
}

async function changeWeather(): Promise<void> {
  for (let number = 0; !isOver(); number++) {
    const { trouble, ms } = weatherOf(seed, number);
    await set(trouble);
    const until = Date.now() + ms;
    while (Date.now() < until && !isOver()) await wait(50);
  }
  await set(null);
}

/** A backend that comes back has the port that it had. */
async function set(next: Weather['trouble']): Promise<void> {
  collect();
  trouble = next;
  if (next?.kind === 'refused') {
    const away = receiver;
    receiver = null;
    return away?.close();
  }
  receiver ??= await startReceiver({ httpPort: port });
  receiver.behave();
  if (next !== null) receiver.misbehave(next as Misbehaviour);
}

function collect(): void {
  if (receiver === null) return;
  for (const name of namesOf(receiver.spans)) arrived.set(name, (arrived.get(name) ?? 0) + 1);
  const refuses = trouble?.kind === 'partial' || (trouble?.kind === 'status' && [400, 500].includes(trouble.status));
  if (refuses) for (const { body } of receiver.requests) for (const name of namesOf(decodeProtobuf('traces', body).spans)) if (!arrived.has(name)) refused.add(name);
  problems.push(...receiver.errors.map((error) => `the backend could not read ${error}`));
  receiver.clear();
}

function namesOf(spans: readonly ReceivedSpan[]): string[] {
  return spans.flatMap(({ attributes }) => {
    const name = attributes['soak.id'] ?? /^\/soak\/(.*)$/.exec(String(attributes['url.path'] ?? ''))?.[1];
    return typeof name === 'string' ? [name] : [];
  });
}

/** Everything ends; then one more run of each service adopts what killed exporters left, and the rest is drained. */
async function settle(): Promise<void> {
  await set(null);
  const atRest = async (): Promise<void> => {
    const until = Date.now() + SETTLED_MS;
    while (processesOf(dir).length > 0 && Date.now() < until) await wait(100);
  };
  await atRest();
  const left = processesOf(dir);
  problems.push(...left.map((pid) => `process ${pid} is left: ${commandLine(pid).replaceAll('\0', ' ')}`));
  killAll(left);
  for (const service of ['soak-a', 'soak-b']) {
    const step: Step = { number: 2_000_000 + (service === 'soak-a' ? 0 : 1), topology: 'parent', service, program: { kind: 'node', nodeOptions: [], app: 'numbered', words: ['natural', '800', '1'] }, signal: null, killExporterMs: null, expected: { code: 0, signal: null }, isLoud: false };
    note(step, await playStep(step, place));
    await atRest();
    said += await drain(service);
  }
  collect();
  for (const path of [spool, join(dir, 'state', 'kept')]) {
    const files = existsSync(path) ? readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => /[0-9a-f]{16}$|\.(seg|otlp|claim)\b/.test(name)) : [];
    const kept = files.filter((name) => path === spool || name.includes('.otlp'));
    if (kept.length > 0) problems.push(`${path} still holds ${kept.join(', ')}`);
  }
}

function drain(service: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const child = spawn(process.execPath, [cli, 'drain'], { env: { ...place.env, TMPDIR: dir, OTEL_SERVICE_NAME: service }, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.setEncoding('utf8').on('data', (more: string) => (text += more));
    child.once('close', (code) => {
      if (code !== 0) problems.push(`otel-run drain ended with ${code}: ${text}`);
      resolve(text);
    });
  });
}

function judge(): void {
  const { finished, missing, excused } = readAccount(place.journals, arrived, (step) => violent.has(step));
  const lost = saidLost(said);
  const unexplained = missing.length - lost;
  const vanished = missing.filter((name) => !refused.has(name));
  if (vanished.length > 0) problems.push(`${vanished.length} spans are missing that the backend has never refused, of ${byStep(vanished)}`);
  if (unexplained > 0) problems.push(`${unexplained} spans are missing, and nobody said so: ${missing.length} missing, ${lost} said to be lost; of ${byStep(missing)}`);
  const twice = [...arrived.values()].filter((times) => times > 1).length;
  console.log(`soak: ${steps} steps, ${finished} spans finished: ${finished - missing.length - excused.length} delivered (${twice} more than once), ${lost} said to be lost (and ${Math.max(0, -unexplained)} of them had arrived without an answer), ${excused.length} in the turn in which their process was killed, ${Math.max(0, unexplained, vanished.length)} unexplained`);
  writeFileSync(join(dir, 'said'), said);
  writeFileSync(join(dir, 'missing'), missing.join('\n'));
  if (problems.length > 0) console.log([`soak: failed, seed ${seed}; what it left is in ${dir} and ${spool}`, ...problems].join('\n  '));
}

/** `step 3 (12), step 9 (1)` */
function byStep(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name.split('.')[0]!, (counts.get(name.split('.')[0]!) ?? 0) + 1);
  return [...counts].map(([step, count]) => `step ${step} (${count})`).join(', ');
}
