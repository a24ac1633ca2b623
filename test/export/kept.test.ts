/** What a backend could not be given is kept, and sent later to the same destination alone: by the next run, or by `otel-run drain`. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { closedPort, startReceiver, type Receiver } from '../harness/receiver.ts';
import { drain, exportersOf, makePlace, runNumbered, topologies, until, type Place } from './runs.ts';

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
  ])('a run with %s does not send it', async (_, other) => {
    await runNumbered([1, 100], env, topology);
    await atRest();
    await backendComesBack();
    await runNumbered([101, 200], { ...env, ...other }, topology);
    await atRest();
    expect(receiver!.missing(200)).toHaveLength(100);
    expect(place.kept()).toHaveLength(1);
    expect(await drain({ ...env, ...other })).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('nothing is kept') });
    expect(await drain(env)).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/^otel-run: 100 spans sent to .*, nothing is left\n$/) });
    expect([receiver!.missing(200), receiver!.twice(), place.kept()]).toEqual([[], [], []]);
  });
});

describe('otel-run drain', () => {
  test('sends everything, from many runs, in one go', async () => {
    for (const [first, last] of [[1, 10], [11, 20], [21, 3000]] as const) await runNumbered([first, last], env);
    await backendComesBack();
    expect(await drain(env)).toMatchObject({ stdout: '', stderr: expect.stringMatching(/^otel-run: 3000 spans sent to .*, nothing is left\n$/), exitCode: 0 });
    expect([receiver!.missing(3000), receiver!.twice(), place.kept()]).toEqual([[], [], []]);
    expect(await drain(env)).toMatchObject({ stderr: expect.stringMatching(/^otel-run: nothing is kept for .*\n$/), exitCode: 0 });
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

  test('tells that nothing is kept where no backend is configured', async () => {
    expect(await drain(place.env)).toMatchObject({ exitCode: 0, stderr: 'otel-run: no backend is configured: nothing is kept\n' });
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

  test('two at once send each span once', async () => {
    for (let i = 0; i < 5; i++) await runNumbered([i * 10 + 1, i * 10 + 10], env);
    await backendComesBack();
    const both = await Promise.all([drain(env), drain(env)]);
    expect([receiver!.missing(50), receiver!.twice(), both.map(({ exitCode }) => exitCode)]).toEqual([[], [], [0, 0]]);
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
