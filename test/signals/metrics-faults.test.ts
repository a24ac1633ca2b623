/** Rows of the fault matrix for metrics: ends that no JavaScript sees, backends and exporters that fail. */
import { renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, test, vi, type TestContext } from 'vitest';
import { installWithFault } from '../export/installed.ts';
import { drain, makePlace, type Place } from '../export/runs.ts';
import { nodes } from '../harness/nodes.ts';
import { pointsOf, type ReceivedPoint } from '../harness/otlp-signals.ts';
import { closedPort, startReceiver, type Misbehaviour, type Receiver } from '../harness/receiver.ts';
import { otelRun, startOtelRun } from '../harness/run.ts';

// They wait more than they compute.
vi.setConfig({ maxConcurrency: 3, testTimeout: 120_000 });

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/signals/${name}`, import.meta.url));
const cells = [
  ['oldest Node, parent', nodes.node20min!, 'parent'],
  ['newest Node, parent', nodes.node26!, 'parent'],
  ['newest Node, replace', nodes.node26!, 'replace'],
] as const;
/** With the application's own metrics alone: nothing of ours is among the points. */
const OWN_ALONE = { OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'none', OTEL_RUN_OWN_METRICS: 'false', OTEL_TRACES_EXPORTER: 'none' };

/** Of tests that run at once each has to be asked itself. */
type Asked = Pick<TestContext, 'onTestFinished'>;

function makeTestPlace({ onTestFinished }: Asked): Place {
  const place = makePlace();
  onTestFinished(place.remove);
  return place;
}

async function receive({ onTestFinished }: Asked, options: Parameters<typeof startReceiver>[0] = {}): Promise<Receiver> {
  const receiver = await startReceiver(options);
  onTestFinished(() => receiver.close());
  return receiver;
}

const env = (place: Place, endpoint: string, more: Record<string, string> = {}): Record<string, string> => ({ ...place.env, ...OWN_ALONE, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_METRICS_EXPORTER: 'otlp', OTEL_RUN_DRAIN_UNREACHED: '15000', ...more });
const points = (receiver: Receiver, name: string): ReceivedPoint[] => pointsOf(receiver.requests).filter((point) => point.name === name);
const last = (receiver: Receiver, name: string): number => points(receiver, name).at(-1)?.value ?? 0;
const metricsCame = (receiver: Receiver): Promise<unknown> => receiver.waitForRequests((requests) => requests.some(({ signal, accepted }) => signal === 'metrics' && accepted), 45_000);

/** A second between two snapshots, and what a busy machine adds to it. */
const LOST_MS = 1000 + 1000;

describe.concurrent.each(cells)('%s', (_, node, topology) => {
  test.for(['SIGKILL', 'out of memory'] as const)('%s: all but the last second arrives', async (ending, context) => {
    const { expect } = context;
    const [place, receiver] = [makeTestPlace(context), await receive(context)];
    const isKilled = ending === 'SIGKILL';
    const program = startOtelRun({
      node,
      topology,
      args: [node, '--max-old-space-size=60', fixture('ticking.cjs'), '20', ...(isKilled ? [] : ['oom', '4500'])],
      env: env(place, receiver.httpUrl),
      timeoutMs: 60_000,
    });
    if (isKilled) {
      await program.said('tick 120 ');
      process.kill(applicationOf(program.pid, topology), 'SIGKILL');
    }
    const { stdout, stderr, signal, exitCode } = await program.ended;
    expect([exitCode, signal]).toEqual([null, isKilled ? 'SIGKILL' : 'SIGABRT']);
    await metricsCame(receiver).catch((error: Error) => expect.fail(`${error.message}\n${stdout.slice(-100)}\n${stderr}`));
    const ticks = [...stdout.matchAll(/^tick (\d+) (\d+)$/gm)].map(([, n, at]) => ({ n: Number(n), at: Number(at) }));
    const due = ticks.filter(({ at }) => at < ticks.at(-1)!.at - LOST_MS).at(-1)!.n;
    expect(due).toBeGreaterThan(10);
    expect(last(receiver, 'test.ticks')).toBeGreaterThanOrEqual(due);
    // Of one snapshot: nothing of it is older than the rest.
    expect(points(receiver, 'test.size').at(-1)!.count).toBe(last(receiver, 'test.ticks'));
  });
});

const node = nodes.node24!;
const troubles: Record<string, Misbehaviour> = {
  'answers 503 three times': { kind: 'status', status: 503, headers: { 'retry-after': '0' }, times: 3 },
  'cuts the connection twice': { kind: 'reset', times: 2 },
};

test('a callback that takes long delays nothing but itself', async (context) => {
  const { expect } = context;
  const [place, receiver] = [makeTestPlace(context), await receive(context)];
  const program = startOtelRun({ node, topology: 'replace', args: [node, fixture('busy-callback.cjs')], env: env(place, receiver.httpUrl), timeoutMs: 60_000 });
  await program.said('tick 450 ');
  program.kill('SIGKILL');
  const { stdout } = await program.ended;
  await metricsCame(receiver);
  const ticks = [...stdout.matchAll(/^tick (\d+) (\d+)$/gm)].map(([, n, at]) => ({ n: Number(n), at: Number(at) }));
  const due = ticks.filter(({ at }) => at < ticks.at(-1)!.at - LOST_MS).at(-1)!.n;
  expect(due).toBeGreaterThan(150);
  expect(last(receiver, 'test.ticks')).toBeGreaterThanOrEqual(due);
  // Asked as often as what is counted.
  expect(last(receiver, 'test.quick')).toBeGreaterThanOrEqual(due);
  expect(last(receiver, 'test.busy')).toBe(1);
});

describe.concurrent('a backend', () => {
  test.for((['parent', 'replace'] as const).flatMap((topology) => (['cumulative', 'delta'] as const).flatMap((temporality) => Object.keys(troubles).map((what) => [what, topology, temporality] as const))))('that %s: every figure arrives in the end (%s, %s)', async ([what, topology, temporality], context) => {
    const { expect } = context;
    const [place, receiver] = [makeTestPlace(context), await receive(context)];
    receiver.misbehave({ ...troubles[what]! });
    const { stdout, stderr } = await otelRun({
      node,
      topology,
      args: [node, fixture('ticking.cjs'), '10', 'end', '2500'],
      env: env(place, receiver.httpUrl, { OTEL_METRIC_EXPORT_INTERVAL: '300', OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: temporality, OTEL_RUN_DRAIN_BAD: '15000' }),
    });
    const ticks = Number(/tick (\d+) \d+\n$/.exec(stdout)![1]);
    const told = (): number => (temporality === 'delta' ? points(receiver, 'test.ticks').reduce((sum, { value }) => sum + value, 0) : last(receiver, 'test.ticks'));
    // An exporter beside the application ends behind it.
    await receiver.waitForRequests(() => told() >= ticks, 45_000);
    expect(told()).toBe(ticks);
    // A backend that comes back is worth a line at most, and nothing is lost.
    expect(stderr).not.toMatch(/lost|kept|dropped/);
    expect(receiver.requests.some(({ accepted }) => !accepted)).toBe(true);
  });

  test('that is down: the last figures are kept, and drain sends them', async (context) => {
    const { expect } = context;
    const place = makeTestPlace(context);
    const port = await closedPort();
    const own = env(place, `http://127.0.0.1:${port}`, { OTEL_RUN_DRAIN_UNREACHED: '500' });
    const { stderr } = await otelRun({ node, topology: 'parent', args: [node, fixture('counter.cjs'), '1000', 'exit'], env: own });
    expect(stderr).toMatch(/9 metric points for \S+ kept for the next run/);
    const receiver = await receive(context, { httpPort: port });
    expect(await drain(own)).toMatchObject({ exitCode: 0 });
    expect(points(receiver, 'test.count').reduce((sum, { value }) => sum + value, 0)).toBe(1000);
    expect(place.kept()).toEqual([]);
  });

  test('that is down for longer than ten minutes gets no figures of then, and that is said', async (context) => {
    const { expect } = context;
    const place = makeTestPlace(context);
    const port = await closedPort();
    const own = env(place, `http://127.0.0.1:${port}`, { OTEL_RUN_DRAIN_UNREACHED: '500' });
    await otelRun({ node, topology: 'parent', args: [node, fixture('counter.cjs'), '1000', 'exit'], env: own });
    // The name of what is kept begins with when that was.
    for (const file of place.files().filter((path) => path.includes('.otlp'))) {
      const [time, ...rest] = basename(file).split('-');
      renameSync(file, join(dirname(file), [Number(time) - 11 * 60_000, ...rest].join('-')));
    }
    const receiver = await receive(context, { httpPort: port });
    const { stderr } = await drain(own);
    expect(stderr).toMatch(/0 metric points sent to \S+, 9 dropped \(too old\), nothing is left/);
    expect([points(receiver, 'test.count'), place.kept()]).toEqual([[], []]);
  });

  test('that is down, and nothing to keep it in: what is lost is counted', async (context) => {
    const { expect } = context;
    const place = makeTestPlace(context);
    const { stderr } = await otelRun({ node, topology: 'parent', args: [node, fixture('counter.cjs'), '1000', 'exit'], env: env(place, `http://127.0.0.1:${await closedPort()}`, { OTEL_RUN_DRAIN_UNREACHED: '500', OTEL_RUN_KEEP: 'false' }) });
    expect(stderr).toMatch(/9 metric points for \S+ lost/);
  });
});

describe.concurrent('an exporter that fails', () => {
  test.for(['cumulative', 'delta'] as const)('and is started again: the figures at the end are right (%s)', async (temporality, context) => {
    const { expect } = context;
    const [place, receiver] = [makeTestPlace(context), await receive(context)];
    const installed = installWithFault(`if (nth === 1) setTimeout(() => { throw new Error('planned'); }, 1500);`);
    context.onTestFinished(() => installed.remove());
    const { stdout } = await otelRun({
      node,
      launcher: installed.launcher,
      topology: 'parent',
      args: [node, fixture('ticking.cjs'), '10', 'end', '3500'],
      env: env(place, receiver.httpUrl, { OTEL_METRIC_EXPORT_INTERVAL: '200', OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: temporality }),
    });
    const ticks = Number(/tick (\d+) \d+\n$/.exec(stdout)![1]);
    const found = points(receiver, 'test.ticks');
    if (temporality === 'cumulative') return expect(found.at(-1)!.value).toBe(ticks);
    // A second of deltas may be missing; nothing is told twice.
    const sum = found.reduce((total, { value }) => total + value, 0);
    expect(sum).toBeLessThanOrEqual(ticks);
    expect(sum).toBeGreaterThanOrEqual(ticks * 0.5);
  });
});

/** In the parent topology the application is the launcher's child. */
function applicationOf(pid: number, topology: 'parent' | 'replace'): number {
  if (topology === 'replace') return pid;
  const { readFileSync } = process.getBuiltinModule('node:fs');
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').find((child) => readFileSync(`/proc/${child}/cmdline`, 'latin1').includes('ticking.cjs')));
}
