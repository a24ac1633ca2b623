/** What a backend could not be given is kept, and sent later to the same destination alone: by the next run, or by `otel-run drain`. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pauseBehind } from '../../src/export/resend.ts';
import { openSendLock } from '../../src/export/send-lock.ts';
import { createStoreExporter } from '../../src/export/store.ts';
import { bootId, pidNamespace } from '../../src/spool/owner.ts';
import { closedPort, startReceiver, type Receiver } from '../harness/receiver.ts';
import { cleanEnv, launcher, otelRun, type RunResult } from '../harness/run.ts';
import { drain, exportersOf, makePlace, node, numberedScript, purge, runNumbered, startNumbered, topologies, until, type Place } from './runs.ts';

let place: Place;
let port: number;
let receiver: Receiver | null;
let env: Record<string, string>;
beforeEach(async () => {
  place = makePlace();
  port = await closedPort();
  receiver = null;
  env = { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_EXPORTER_OTLP_HEADERS: 'x-token=first-secret' };
});
afterEach(async () => {
  await receiver?.close();
  place.remove();
});

const backendComesBack = async (): Promise<Receiver> => (receiver = await startReceiver({ httpPort: port }));
const atRest = (): Promise<unknown> => until(() => [place.runs(), exportersOf(place)], ([runs, pids]) => runs!.length === 0 && pids!.length === 0);

describe.each(topologies)('%s', (topology) => {
  test('a backend that is away: kept for this user alone, and sent by the next run behind its own', async () => {
    const { stderr, exitCode } = await runNumbered([1, 100], env, topology);
    expect(exitCode).toBe(0);
    if (topology === 'parent') expect(stderr).toMatch(/^otel-run: 100 spans for http:\/\/127\.0\.0\.1:\d+\/v1\/traces kept for the next run or `otel-run drain`: connection refused.*\n$/);
    await atRest();
    const [file, ...more] = place.kept();
    expect(more).toEqual([]);
    const path = join(place.home, '.local/state/otel-run/kept', file!);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'latin1')).not.toContain('first-secret');

    const { requests } = await backendComesBack();
    expect((await runNumbered([101, 200], env, topology)).exitCode).toBe(0);
    await atRest();
    expect([receiver!.missing(200), receiver!.twice(), place.kept()]).toEqual([[], [], []]);
    expect(requests.every(({ headers }) => headers['x-token'] === 'first-secret')).toBe(true);
    expect(receiver!.spans.slice(0, 100).every(({ attributes }) => Number(attributes['test.n']) > 100)).toBe(true);
  });

  test.each<[what: string, other: Record<string, string>]>([
    ['another token', { OTEL_EXPORTER_OTLP_HEADERS: 'x-token=second-secret' }],
    ['another service', { OTEL_SERVICE_NAME: 'other' }],
    ['another environment', { OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=production' }],
  ])('a run with %s does not send it', async (what, other) => {
    await runNumbered([1, 100], env, topology);
    await atRest();
    await backendComesBack();
    await runNumbered([101, 200], { ...env, ...other }, topology);
    await atRest();
    expect(receiver!.missing(200)).toHaveLength(100);
    expect(place.kept()).toHaveLength(1);
    const { exitCode, stderr } = await drain({ ...env, ...other });
    expect(exitCode).toBe(0);
    const how = what === 'another token' ? String.raw` with other headers than these: .*--header .*` : String.raw`: .otel-run drain --endpoint http://127\.0\.0\.1:\d+. sends them, with the headers that the run had`;
    expect(stderr).toMatch(new RegExp(String.raw`^otel-run: nothing is kept for \S+\notel-run: 100 spans are kept for http://127\.0\.0\.1:\d+/v1/traces${how}\n$`));
    expect(await drain(env)).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/^otel-run: 100 spans sent to .*, nothing is left\n$/) });
    expect([receiver!.missing(200), receiver!.twice(), place.kept()]).toEqual([[], [], []]);
  });
});

test('a run that has no telemetry of its own sends it too, once it has been idle for a while', async () => {
  await runNumbered([1, 100], env);
  await atRest();
  await backendComesBack();
  const idle = startNumbered([1, 0, 'speak', 30_000], env);
  await receiver!.waitForSpans(100, 20_000);
  idle.kill('SIGTERM');
  await idle.ended;
  expect([receiver!.missing(100), receiver!.twice(), place.kept()]).toEqual([[], [], []]);
});

describe('otel-run drain', () => {
  test('sends everything, from many runs, in one go', async () => {
    for (const [first, last] of [[1, 10], [11, 20], [21, 3000]] as const) await runNumbered([first, last], env);
    await backendComesBack();
    expect(await drain(env)).toMatchObject({ stdout: '', stderr: expect.stringMatching(/^otel-run: 3000 spans sent to .*, nothing is left\n$/), exitCode: 0 });
    expect([receiver!.missing(3000), receiver!.twice(), place.kept()]).toEqual([[], [], []]);
    expect(await drain(env)).toMatchObject({ stderr: expect.stringMatching(/^otel-run: nothing is kept for .*\n$/), exitCode: 0 });
  });

  test.each(['http/protobuf', 'grpc'])('in pieces where the backend takes smaller requests than were kept (%s)', async (protocol) => {
    receiver = await startReceiver();
    const own = { ...env, OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_EXPORTER_OTLP_ENDPOINT: protocol === 'grpc' ? receiver.grpcUrl : receiver.httpUrl };
    receiver.misbehave({ kind: 'status', status: 503 });
    await runNumbered([1, 3000], own);
    receiver.misbehave({ kind: 'limit', items: 100 });
    expect(await drain(own)).toMatchObject({ stderr: expect.stringContaining('3000 spans sent'), exitCode: 0 });
    expect([receiver.missing(3000), receiver.twice(), place.kept()]).toEqual([[], [], []]);
  });

  test('fails with what is left where the backend is still away', async () => {
    await runNumbered([1, 100], env);
    expect(await drain(env)).toMatchObject({ stderr: expect.stringMatching(/^otel-run: 0 spans sent to .*, 100 are left: connection refused/), exitCode: 1 });
    expect(place.kept()).toHaveLength(1);
  });

  test('takes the options of the run, before the verb or behind it', async () => {
    const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...rest } = env;
    const named = { ...rest, OTEL_SERVICE_NAME: 'shop' };
    await runNumbered([1, 100], { ...named, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint! });
    await backendComesBack();
    expect(await drain(rest, '--endpoint', endpoint!)).toMatchObject({ stderr: expect.stringContaining('nothing is kept') });
    expect(await drain(rest, '--endpoint', endpoint!, '--service-name=shop')).toMatchObject({ stderr: expect.stringContaining('100 spans sent'), exitCode: 0 });
  });

  test.each([
    ['drain', 'words'],
    ['drain', '--nonsense'],
  ])('%s %s is refused', async (_, word) => {
    expect(await drain(env, word)).toMatchObject({ exitCode: 125, stderr: expect.stringContaining(word) });
  });

  test('tells what is kept, and for whom, where no backend is configured', async () => {
    expect(await drain(place.env)).toMatchObject({ exitCode: 0, stderr: 'otel-run: no backend is configured, and nothing is kept\n' });
    await runNumbered([1, 1], { ...env, OTEL_SERVICE_NAME: 'shop', OTEL_RUN_ENVIRONMENT: 'a b' });
    const url = `http://127.0.0.1:${port}`;
    expect(await drain(place.env)).toMatchObject({
      exitCode: 1,
      stderr: `otel-run: no backend is configured: nothing is sent\notel-run: 1 span is kept for ${url}/v1/traces (service shop, a b): \`otel-run drain --endpoint ${url} --service-name shop --environment …\` sends it, with the headers that the run had\n`,
    });
  });

  test('what the backend refuses is counted, and not offered again', async () => {
    await runNumbered([1, 100], env);
    (await backendComesBack()).misbehave({ kind: 'status', status: 400, body: 'no spans today' });
    expect(await drain(env)).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/^otel-run: 0 spans sent to .*, 100 lost, nothing is left: HTTP 400: no spans today\n$/) });
    expect(place.kept()).toEqual([]);
  });

  test('waits as long as a busy backend asks it to', async () => {
    await runNumbered([1, 100], env);
    (await backendComesBack()).misbehave({ kind: 'status', status: 503, retryAfterMs: 2000, times: 1 });
    expect((await drain(env)).exitCode).toBe(0);
    const [first, second] = receiver!.requests;
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(1950);
    expect(receiver!.missing(100)).toEqual([]);
  });

  test('several at once, and a run, send each span once', async () => {
    for (let i = 0; i < 5; i++) await runNumbered([i * 10 + 1, i * 10 + 10], env);
    await backendComesBack();
    const all = await Promise.all([drain(env), runNumbered([51, 60, 'wait', 300], env), runNumbered([61, 70], env, 'replace'), drain(env)]);
    await atRest();
    expect([receiver!.missing(70), receiver!.twice(), all.map(({ exitCode }) => exitCode)]).toEqual([[], [], [0, 0, 0, 0]]);
  });
});

describe('otel-run purge', () => {
  test('removes what is kept for this destination, or all of it, and says what', async () => {
    const other = { ...env, OTEL_SERVICE_NAME: 'other', OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=production' };
    await runNumbered([1, 100], env);
    await runNumbered([101, 130], { ...other, OTEL_EXPORTER_OTLP_HEADERS: 'x-token=third-secret' });
    await runNumbered([131, 131], other);
    expect(place.kept()).toHaveLength(3);
    expect(await purge(env)).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringMatching(/^removed 100 spans for http:\/\/127\.0\.0\.1:\d+\/v1\/traces: 1 file, \d+ KiB, the oldest of 20\S+Z\n$/) });
    expect(await purge(env)).toMatchObject({ exitCode: 0, stdout: 'nothing is kept\n' });
    expect(place.kept()).toHaveLength(2);
    const { stdout } = await purge(env, 'all', '--json');
    const { removed, beingSentBytes } = JSON.parse(stdout) as { removed: { items: number }[]; beingSentBytes: number };
    expect(removed.sort((a, b) => a.items - b.items)).toEqual([1, 30].map((items) => ({
      endpoint: `http://127.0.0.1:${port}/v1/traces`, service: 'other', environment: 'production', signal: 'traces', items, files: 1, bytes: expect.any(Number), oldest: expect.stringMatching(/^20/),
    })));
    expect([beingSentBytes, place.kept()]).toEqual([0, []]);
    expect(stdout).not.toContain('secret');
  });

  test('of everything: the traces of the local store too', async () => {
    const dir = join(place.home, '.local/state/otel-run/traces');
    const store = createStoreExporter({ dir, capBytes: 1024 * 1024 });
    await store.export({ signal: 'traces', count: 1, body: Buffer.alloc(2000) }, AbortSignal.timeout(5000));
    await store.close();
    writeFileSync(join(dir, 'note.txt'), 'of somebody');
    expect((await purge(env)).stdout).toBe('nothing is kept\n');
    expect(await purge(env, 'all')).toMatchObject({ exitCode: 0, stdout: 'removed the traces that `otel-run traces` showed: 1 file, 2 KiB\n' });
    expect(readdirSync(dir)).toEqual(['note.txt']);
  });

  test('lets alone what somebody is sending', async () => {
    await runNumbered([1, 100], env);
    (await backendComesBack()).misbehave({ kind: 'slow', delayMs: 1500 });
    const sending = drain(env);
    await until(() => place.kept(), ([name]) => name!.endsWith('.claim'));
    expect(await purge(env)).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^nothing is kept\n\d+ KiB are being sent by another process and were let alone\n$/) });
    expect((await sending).exitCode).toBe(0);
    expect(receiver!.missing(100)).toEqual([]);
  });

  test.each([
    [['purge', 'everything'], 'not everything'],
    [['purge'], 'no backend is configured'],
  ])('%s without a destination is refused', async (args, words) => {
    expect(await otelRun({ node, args, env: place.env })).toMatchObject({ exitCode: 125, stdout: '', stderr: expect.stringContaining(words) });
  });
});

describe('what earlier runs have kept does not hold up the end', () => {
  test.each(topologies)('of a run whose backend takes it slowly, or not at all (%s)', async (topology) => {
    await runNumbered([1, 100], env);
    await backendComesBack();
    const program = startNumbered([101, 110, 'wait', 1000], env, topology);
    await receiver!.waitForSpans(10);
    receiver!.misbehave({ kind: 'hang' }); // what comes now is what was kept
    const { exitCode, stderr } = await program.ended;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(receiver!.missing(110)).toHaveLength(100);
    expect(place.kept()).toHaveLength(1);
    receiver!.behave();
  });

  test('one process at a time sends it, at a tenth of the rate', () => {
    expect(pauseBehind(512, 0, 1000)).toBeCloseTo(1024);
    expect(pauseBehind(8192, 100_000, 10_000)).toBeCloseTo(8192);
    expect(pauseBehind(10, 1_000_000, 10_000)).toBe(500);
    const [first, second] = [openSendLock(join(place.home, 'lock')), openSendLock(join(place.home, 'lock'))];
    expect([first.take(), first.take(), first.isTaken()]).toEqual([true, true, true]);
    expect(second.take()).toBe(false);
    first.release();
    expect([second.take(), first.isTaken()]).toEqual([true, true]);
    second.release();
    symlinkSync(`4194000 1 ${pidNamespace()} ${bootId()}`, join(place.home, 'lock')); // of one that was killed
    expect([first.isTaken(), first.take(), second.take()]).toEqual([false, true, false]);
  });
});

describe('in a container', () => {
  /** The state directory is what `mount` makes of it; in a mount namespace of its own. */
  const runOn = (mount: string, extra: Record<string, string> = {}): Promise<RunResult> => {
    const state = join(place.home, '.local/state');
    mkdirSync(state, { recursive: true });
    const script = `${mount.replaceAll('STATE', state)} && exec "$@"`;
    const all = cleanEnv({ ...env, container: 'test', OTEL_RUN_KEEP: '', ...extra }, node);
    return new Promise((resolve) => {
      execFile('unshare', ['-m', 'sh', '-c', script, 'sh', node, launcher, node, numberedScript, '1', '100'], { env: all, cwd: dirname(numberedScript) }, (error, stdout, stderr) =>
        resolve({ stdout, stderr, exitCode: typeof error?.code === 'number' ? error.code : 0, signal: null, pid: 0 }),
      );
    });
  };
  const overlay = 'mkdir -p STATE/u STATE/w && mount -t tmpfs none /mnt && mkdir /mnt/u /mnt/w && mount -t overlay overlay -o lowerdir=STATE,upperdir=/mnt/u,workdir=/mnt/w STATE';

  test.each([
    ['memory', 'mount -t tmpfs none STATE', 'is in memory (tmpfs)'],
    ["the container's own layer", overlay, "is in the container's own file system (overlay)"],
  ])('%s keeps nothing: it is counted as lost, with what to do', async (_, mount, why) => {
    const { stdout, stderr, exitCode } = await runOn(mount);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 0 });
    expect(stderr).toMatch(/^otel-run: 100 spans for \S+ lost: not delivered before the end: connection refused: nothing listens there; not kept: [^\n]+: mount a volume there, or name one in OTEL_RUN_STATE_DIR\n$/);
    expect(stderr).toContain(why);
  });

  test('OTEL_RUN_KEEP says that it lasts all the same, or that nothing is to be kept anywhere', async () => {
    expect((await runOn('mount -t tmpfs none STATE', { OTEL_RUN_KEEP: 'true' })).stderr).toContain('100 spans for');
    expect((await runOn('mount -t tmpfs none STATE', { OTEL_RUN_KEEP: 'true' })).stderr).toContain('kept for the next run');
    expect((await runOn('true', { OTEL_RUN_KEEP: 'false' })).stderr).toMatch(/100 spans for .* lost: .*; not kept: keep \(OTEL_RUN_KEEP\) is false\n$/);
    expect(place.kept()).toEqual([]);
  });
});

test.each(topologies)('a backend that nobody configured: silence, nothing kept (%s)', async (topology) => {
  const { stdout, stderr, exitCode } = await runNumbered([1, 100], place.env, topology);
  expect({ stdout, stderr, exitCode }).toEqual({ stdout: '', stderr: '', exitCode: 0 });
  await atRest();
  expect(readdirSync(place.home)).toEqual([]);
});

test.each(topologies)('a spool that is full, before a dead backend: delivered + kept + counted = produced (%s)', async (topology) => {
  const produced = 300_000;
  const { stderr, exitCode } = await runNumbered([1, produced], { ...env, OTEL_RUN_SPOOL_SIZE: '1MiB' }, topology);
  expect(exitCode).toBe(0);
  await atRest();
  const said = topology === 'parent' ? stderr : (await runNumbered([0, -1], env, 'parent')).stderr;
  const dropped = [...said.matchAll(/(\d+) spans for \S+ lost/g)].reduce((sum, [, count]) => sum + Number(count), 0);
  const kept = Number(/(\d+) spans for \S+ kept/.exec(said)?.[1] ?? 0);
  await backendComesBack();
  await drain(env);
  expect(receiver!.twice()).toEqual([]);
  expect(receiver!.spans).toHaveLength(kept);
  expect(dropped).toBeGreaterThan(0);
  expect(kept + dropped).toBe(produced);
});
