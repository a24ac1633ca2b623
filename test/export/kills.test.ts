/** Whoever is killed, stopped or outlived: what had been handed over arrives, the application does not notice, nothing is left behind. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { childrenOf, pids, readProc } from '../harness/processes.ts';
import { closedPort, startReceiver, type Receiver } from '../harness/receiver.ts';
import { otelRun, type RunningProgram } from '../harness/run.ts';
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

const atRest = (timeoutMs?: number): Promise<unknown> => until(() => [place.runs(), exportersOf(place)], ([runs, left]) => runs!.length === 0 && left!.length === 0, timeoutMs);

/** The application's process: the one started in replace, its only child in parent. */
async function applicationOf(program: RunningProgram, topology: Topology): Promise<number> {
  await program.said(/ready \d+/);
  return topology === 'replace' ? program.pid : childOf(program);
}

/** The one of the launcher's children that is the application. */
function childOf({ pid }: RunningProgram): number {
  const children = childrenOf(pid);
  const found = children.find((child) => /(numbered|app)\.cjs/.test(readProc(child, 'cmdline')));
  if (found === undefined) throw new Error(`${pid} has no application among its children ${children.join(', ')}`);
  return found;
}

describe.each(topologies)('%s', (topology) => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s to a program that closes itself, as it is sent there', async (signal) => {
    const program = startNumbered([1, 100, 'close'], env, topology);
    const pid = await applicationOf(program, topology);
    expect(pid).toBeGreaterThan(0);
    if (topology === 'replace') {
      // As systemd does: every process of the unit. One that is signalled before it can listen ends, and its spool is the next run's.
      const [exporter] = await until(() => exportersOf(place).filter((one) => /SigCgt:.*[13579bdf]$/m.test(readProc(one, 'status'))), (found) => found.length === 1);
      process.kill(exporter!, signal);
    }
    // Of a launcher that waits, as the runtime of a container does: the first process alone.
    process.kill(topology === 'replace' ? -program.pid : program.pid, signal);
    const { exitCode, signal: endedBy, stderr } = await program.ended;
    expect({ exitCode, endedBy, stderr }).toEqual(signal === 'SIGHUP' ? { exitCode: null, endedBy: 'SIGHUP', stderr: '' } : { exitCode: 0, endedBy: null, stderr: '' });
    await receiver.waitForSpans(100);
    await atRest();
    expect([receiver.missing(100), receiver.twice()]).toEqual([[], []]);
  });

  test('SIGINT twice, as Ctrl-C does it to a group: ended by it, delivered', async () => {
    const program = startNumbered([1, 100, 'stay'], env, topology);
    await applicationOf(program, topology);
    process.kill(-program.pid, 'SIGINT');
    try {
      process.kill(-program.pid, 'SIGINT');
    } catch {
      // It has ended already.
    }
    expect((await program.ended).signal).toBe('SIGINT');
    await receiver.waitForSpans(100);
    await atRest();
    expect(receiver.twice()).toEqual([]);
  });

  test('SIGKILL to the application', async () => {
    const program = startNumbered([1, 100, 'stay'], env, topology);
    process.kill(await applicationOf(program, topology), 'SIGKILL');
    expect((await program.ended).signal).toBe('SIGKILL');
    await receiver.waitForSpans(100);
    await atRest();
    expect([receiver.missing(100), receiver.twice()]).toEqual([[], []]);
  });

  test('an application that is stopped for a while goes on, and so does its telemetry', async () => {
    const program = startNumbered([1, 100, 'burst', 3000, 10, 20], env, topology);
    await receiver.waitForSpans(100);
    const pid = topology === 'replace' ? program.pid : childOf(program);
    process.kill(pid, 'SIGSTOP');
    const { length } = await settled(() => receiver.spans.length);
    expect(length).toBeLessThan(3000);
    expect(place.runs()).toHaveLength(1);
    process.kill(pid, 'SIGCONT');
    expect((await program.ended).exitCode).toBe(0);
    await receiver.waitForSpans(3000);
    await atRest();
    expect(receiver.twice()).toEqual([]);
  });

  test('worker threads of the application', async () => {
    const { stderr, exitCode } = await runNumbered([1, 10, 'threads', 5], env, topology);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    await receiver.waitForSpans(60);
    await atRest();
    expect([receiver.missing(60), receiver.twice()]).toEqual([[], []]);
  });

  test('no credential is in the environment or the arguments of any process, nor in a file of the run', async () => {
    const secret = `sesame-${randomUUID()}`;
    const program = startNumbered([1, 100, 'close'], { ...env, OTEL_EXPORTER_OTLP_HEADERS: `x-token=${secret}` }, topology, place.ownPackage());
    const pid = await applicationOf(program, topology);
    await receiver.waitForSpans(100);
    const holders = pids().filter((one) => readProc(one, 'environ').includes(secret) || readProc(one, 'cmdline').includes(secret));
    // In parent the launcher itself was given it by the user; nothing below it was.
    expect(holders).toEqual(topology === 'parent' ? [program.pid] : []);
    expect(readProc(pid, 'environ')).toContain('OTEL_RUN_PLAN');
    expect(place.files().filter((file) => readFileSync(file).includes(secret))).toEqual([]);
    process.kill(pid, 'SIGTERM');
    await program.ended;
    await atRest();
    expect(receiver.requests.every(({ headers }) => headers['x-token'] === secret)).toBe(true);
  });
});

describe('an exporter in a process of its own', () => {
  test('that is killed does not touch the application; what it had not sent is found by the next run', async () => {
    receiver.misbehave({ kind: 'status', status: 503 });
    const program = startNumbered([1, 100, 'close'], env, 'replace');
    await program.said(/ready/);
    await receiver.waitForRequests(1);
    const [exporter] = exportersOf(place);
    process.kill(exporter!, 'SIGKILL');
    // Its memory goes first: for a moment it has no arguments any more, and lives.
    await until(() => readProc(exporter!, 'stat'), (stat) => stat === '' || /\) Z /.test(stat));
    program.kill('SIGTERM');
    expect(await program.ended).toMatchObject({ exitCode: 0, signal: null, stderr: expect.stringMatching(/^otel-run: the exporter was killed: [^\n]+\n$/) });
    expect(place.runs()).toHaveLength(1);

    receiver.behave();
    await runNumbered([101, 200], env, 'replace');
    await receiver.waitForSpans(200);
    await atRest();
    expect([receiver.missing(200), receiver.twice(), place.kept()]).toEqual([[], [], []]);
  });

  test('stays for a process that outlives the first one and finishes its first span much later', async () => {
    const { exitCode } = await runNumbered([1, 100, 'daemon', 3000, 101, 150], env, 'replace');
    expect(exitCode).toBe(0);
    await receiver.waitForSpans(150);
    await atRest();
    expect([receiver.missing(150), receiver.twice()]).toEqual([[], []]);
  });
});

describe('a launcher that waits', () => {
  test('and is killed leaves the application alone; what it had not sent is found by the next run', async () => {
    receiver.misbehave({ kind: 'status', status: 503 });
    const program = startNumbered([1, 100, 'close'], env, 'parent');
    const application = await applicationOf(program, 'parent');
    await receiver.waitForRequests(1);
    process.kill(program.pid, 'SIGKILL');
    await until(() => readProc(program.pid, 'cmdline'), (line) => line === '');
    expect(readProc(application, 'cmdline')).toContain('numbered.cjs');
    process.kill(application, 'SIGTERM');
    await until(() => readProc(application, 'cmdline'), (line) => line === '');
    receiver.behave();
    await runNumbered([101, 200], env, 'parent');
    await receiver.waitForSpans(200);
    await atRest();
    expect([receiver.missing(200), receiver.twice()]).toEqual([[], []]);
  });

  test('and is killed before its exporter has begun: the next run knows whose the spool is', async () => {
    const program = startNumbered([1, 100, 'close'], env, 'parent');
    await until(() => place.files(), (files) => files.some((file) => file.endsWith('exporter.json')));
    const application = childOf(program);
    process.kill(program.pid, 'SIGKILL');
    await until(() => readProc(program.pid, 'cmdline'), (line) => line === '');
    await until(() => place.files(), (files) => files.some((file) => file.endsWith('.seg')));
    await program.said('ready');
    process.kill(application, 'SIGTERM');
    await until(() => readProc(application, 'cmdline'), (line) => line === '');
    await runNumbered([101, 200, 'wait', 300], env, 'parent');
    await receiver.waitForSpans(200);
    await atRest();
    expect([receiver.missing(200), receiver.twice()]).toEqual([[], []]);
  });

  test('hands a process that outlives the command over to an exporter of its own', async () => {
    const { exitCode, stderr } = await runNumbered([1, 100, 'daemon', 2000, 101, 150], env, 'parent');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    await receiver.waitForSpans(150);
    await atRest();
    expect([receiver.missing(150), receiver.twice()]).toEqual([[], []]);
  });
});

test('what a shell has put into the background with nohup is delivered, though the command has long ended', async () => {
  const background = `nohup '${node}' '${numberedScript}' 0 -1 later 1500 1 50 >/dev/null 2>&1 & echo started`;
  const { stdout, stderr, exitCode } = await otelRun({ node, args: ['sh', '-c', background], env, cwd: dirname(numberedScript) });
  expect({ stdout, stderr, exitCode }).toEqual({ stdout: 'started\n', stderr: '', exitCode: 0 });
  expect(receiver.spans).toEqual([]);
  await receiver.waitForSpans(50);
  await atRest();
  expect([receiver.missing(50), receiver.twice()]).toEqual([[], []]);
});

test('what killed exporters left for another destination waits for that one', async () => {
  const away = { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await closedPort()}` };
  const program = startNumbered([1, 100, 'close'], away, 'replace');
  await program.said(/ready/);
  // An exporter that is killed before it has noted whose spool it is leaves one that nobody can send.
  await until(() => place.files(), (files) => files.some((file) => file.endsWith('exporter.json')));
  process.kill((await until(() => exportersOf(place), (found) => found.length === 1))[0]!, 'SIGKILL');
  program.kill('SIGTERM');
  await program.ended;
  await runNumbered([101, 200], env, 'parent');
  await atRest();
  expect(receiver.missing(200)).toHaveLength(100);
  expect(await drain(away)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('100 are left') });
});

/** The value once it has been the same for half a second. */
async function settled(look: () => number): Promise<{ length: number }> {
  let last = -1;
  let since = Date.now();
  return { length: await until(() => {
    const now = look();
    if (now !== last) since = Date.now();
    return (last = now);
  }, () => Date.now() - since > 500) };
}
