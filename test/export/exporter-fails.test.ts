/**
 * The exporter itself fails: the application and its ending are as under plain Node, the exporter is started again at most three
 * times, then telemetry is off with one line; what is lost is counted. As a thread of the launcher and as a process of its own.
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { readProc, statOf } from '../harness/processes.ts';
import { startReceiver, type Receiver } from '../harness/receiver.ts';
import { startPlainNode, type RunningProgram } from '../harness/run.ts';
import { installWithFault } from './installed.ts';
import { drain, exportersOf, makePlace, node, numberedScript, processesOf, runNumbered, startNumbered, topologies, until, type Place, type Topology } from './runs.ts';

let place: Place;
let receiver: Receiver;
let env: Record<string, string>;
beforeEach(async () => {
  place = makePlace();
  receiver = await startReceiver();
  env = { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl };
});
afterEach(async () => {
  await receiver.close();
  for (const pid of processesOf(place)) process.kill(pid, 'SIGKILL');
  place.remove();
});

const SPANS = 100;
const atRest = (): Promise<unknown> => until(() => exportersOf(place), (left) => left.length === 0, 20_000);

interface Seen {
  readonly starts: number;
  readonly own: readonly string[];
  readonly delayMs: number;
}

/** Runs the application until `isTime` under a package with the fault, and compares it with plain Node. */
async function runWith(fault: string, topology: Topology, isTime: (program: RunningProgram) => Promise<unknown>): Promise<Seen> {
  const installed = installWithFault(fault);
  onTestFinished(() => installed.remove());
  const program = startNumbered([1, SPANS, 'speak', 30_000], env, topology, numberedScript, [], node, installed.launcher);
  await program.said('spoken');
  await isTime(program);
  program.kill('SIGTERM');
  const result = await program.ended;
  const endedAt = Date.now();
  const plain = await startPlainNode({ node, args: [numberedScript, '1', String(SPANS), 'speak', '0'] }).ended;
  const lines = result.stderr.split('\n');
  const isOurs = (line: string): boolean => line.startsWith('otel-run: ');
  const withoutTime = (text: string): string => text.replace(/\d+/g, '#');
  expect({ stdout: withoutTime(result.stdout), stderr: lines.filter((line) => !isOurs(line)).join('\n'), exitCode: result.exitCode, signal: result.signal }).toEqual({
    stdout: withoutTime(plain.stdout),
    stderr: plain.stderr,
    exitCode: 7,
    signal: null,
  });
  await atRest();
  return { starts: readdirSync(installed.starts).length, own: lines.filter(isOurs), delayMs: endedAt - Number(/ended (\d+)/.exec(result.stdout)![1]) };
}

const faults = {
  throws: `throw new Error('planned');`,
  'throws later': `setTimeout(() => { throw new Error('planned'); }, 30);`,
  'runs out of memory': 'const hoard = []; for (;;) hoard.push(new Array(100_000).fill(Math.random()));',
  'ends by itself': 'process.exit(3);',
};

describe.each(topologies)('%s', (topology) => {
  test.each(Object.entries(faults))('an exporter that %s, once: another goes on, all arrives, nothing is said', async (_, fault) => {
    const { starts, own } = await runWith(`if (nth === 1) { ${fault} }`, topology, () => receiver.waitForSpans(SPANS, 20_000));
    expect([starts, own]).toEqual([2, []]);
    expect(receiver.missing(SPANS)).toEqual([]);
  });

  test.each(Object.entries(faults).filter(([what]) => what !== 'throws later'))('an exporter that %s, each time: given up behind three more, with one line and the count', async (_, fault) => {
    const { starts, own, delayMs } = await runWith(fault, topology, (program) =>
      topology === 'parent' ? program.said('is off', 'stderr') : until(() => place.files().filter((file) => file.endsWith('/notices')), ([file]) => file !== undefined && readFileSync(file, 'utf8').includes('is off'), 20_000),
    );
    expect(starts).toBe(4);
    const last = topology === 'parent' ? [] : await lastWords();
    expect([...own, ...last]).toEqual([
      expect.stringMatching(/^otel-run: the exporter failed 4 times and is off; telemetry of this run is lost from here on: /),
      expect.stringMatching(new RegExp(`${SPANS} spans for \\S+ lost: the exporter failed$`)),
    ]);
    expect(delayMs).toBeLessThan(1500);
    expect([receiver.spans.length, place.runs()]).toEqual([0, []]);
  });

  test('an exporter that hangs in a loop at the end does not hold it up, and its rest is counted', async () => {
    const { own, delayMs } = await runWith(`import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { for (;;); });`, topology, (program) => program.said('spoken'));
    expect([...own, ...(topology === 'parent' ? [] : await lastWords())].filter((line) => !/spans for \S+ (lost: the exporter failed|kept)/.test(line))).toEqual([]);
    if (topology === 'parent') expect(delayMs).toBeLessThan(2600);
  });
});

/** What an exporter behind the end left to say is said by the next run. */
async function lastWords(): Promise<string[]> {
  const { stderr } = await runNumbered([0, -1], env, 'parent');
  return stderr.split('\n').filter((line) => line !== '');
}

test('an exporter process that is killed: the application goes on and is told so, the spool stays within its bound, the rest is counted', async () => {
  const program = startNumbered([1, SPANS, 'burst', 60_000, 500, 5], { ...env, OTEL_RUN_SPOOL_SIZE: '1MiB' }, 'replace');
  await receiver.waitForSpans(SPANS);
  await until(() => place.files(), (files) => files.some((file) => file.endsWith('exporter.json')));
  process.kill(exportersOf(place)[0]!, 'SIGKILL');
  const { exitCode, stdout, stderr } = await program.ended;
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
  expect(stderr).toMatch(/^otel-run: the exporter was killed: [^\n]+\n$/);
  const spooled = place.files().filter((file) => file.endsWith('.seg')).reduce((sum, file) => sum + readFileSync(file).length, 0);
  expect(spooled).toBeLessThanOrEqual(1.5 * 1024 * 1024);
  const before = receiver.spans.length;

  // The next run finds the spool, sends what it holds, and says how much did not find room in it.
  const next = await runNumbered([60_001, 60_001, 'wait', 500], env, 'parent');
  await receiver.waitForSpans((spans) => spans.length > before + 1);
  await atRest();
  await drain(env);
  const lost = Number(/(\d+) spans? (?:for \S+ )?lost/.exec(next.stderr)?.[1]);
  expect(next.stderr).toContain('the exporter of an earlier run was killed');
  expect(new Set(receiver.spans.map(({ attributes }) => attributes['test.n'])).size + lost).toBe(60_001);
});

test('the exporter holds nothing of the application: no descriptor, no folder, no terminal, no variable', async () => {
  const program = startNumbered([1, SPANS, 'stay'], { ...env, MY_SECRET: 'sesame' }, 'replace', place.ownPackage());
  await program.said('ready');
  const [exporter] = await until(() => exportersOf(place), (found) => found.length === 1);
  const fds = readdirSync(`/proc/${exporter}/fd`).map((fd) => [fd, readLink(`/proc/${exporter}/fd/${fd}`)] as const);
  // 0 is the pipe of its plan, which nobody else holds; 1 and 2 go nowhere; the rest is Node's own, or the connection to the backend.
  expect(fds.filter(([fd, target]) => !(fd === '0' || target === '/dev/null' || /^(anon_inode|socket):/.test(target) || (target.startsWith('pipe:') && isOwnPipe(exporter!, target, program.pid))))).toEqual([]);
  expect(fds.find(([fd]) => fd === '1')![1]).toBe('/dev/null');
  expect(fds.find(([fd]) => fd === '2')![1]).toBe('/dev/null');
  expect(readLink(`/proc/${exporter}/cwd`)).toBe('/');
  expect(statOf(exporter!)).toMatchObject({ session: exporter, terminal: 0 });
  expect(readProc(exporter!, 'environ')).not.toContain('sesame');
  program.kill('SIGTERM');
  await program.ended;
  await atRest();
});

/** Both ends of it are in the exporter, none in the application. */
function isOwnPipe(exporter: number, target: string, application: number): boolean {
  const held = (pid: number): number => readdirSync(`/proc/${pid}/fd`).filter((fd) => readLink(`/proc/${pid}/fd/${fd}`) === target).length;
  return held(exporter) >= 2 && held(application) === 0;
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
