/** Snapshots stay in the spool until they are exported: what a process had counted that has ended survives the exporter too. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { installWithFault } from '../export/installed.ts';
import { drain, exportersOf, makePlace, node, until, type Place } from '../export/runs.ts';
import { pointsOf } from '../harness/otlp-signals.ts';
import { startReceiver, type Receiver } from '../harness/receiver.ts';
import { startOtelRun } from '../harness/run.ts';

const script = new URL('../fixtures/signals/short-child.cjs', import.meta.url).pathname;
let receiver: Receiver;
let place: Place;
let env: Record<string, string>;
beforeEach(async () => {
  receiver = await startReceiver();
  place = makePlace();
  env = { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_METRICS_EXPORTER: 'otlp', OTEL_RUN_DRAIN_UNREACHED: '15000' };
});
afterEach(async () => {
  await receiver.close();
  place.remove();
});
const counted = () => pointsOf(receiver.requests).filter(({ name }) => name === 'test.short').map(({ value }) => value);
const metricsCame = () => receiver.waitForRequests((requests) => requests.some(({ signal, accepted }) => signal === 'metrics' && accepted), 20_000);

describe.each(['cumulative', 'delta'] as const)('%s', (temporality) => {
  test('an exporter that fails, and is started again, has it', async () => {
    const file = join(place.home, 'fail');
    const installed = installWithFault(`if (nth === 1) setInterval(() => { if (readdirSync(${JSON.stringify(place.home)}).includes('fail')) throw new Error('planned'); }, 20);`);
    onTestFinished(() => installed.remove());
    const program = startOtelRun({ node, launcher: installed.launcher, topology: 'parent', args: [node, script], env: { ...env, OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: temporality } });
    await program.said('counted');
    writeFileSync(file, '');
    await until(() => readdirSync(installed.starts), (starts) => starts.length === 2, 10_000);
    program.kill('SIGTERM');
    expect(await program.ended).toMatchObject({ exitCode: 0, stderr: '' });
    await metricsCame();
    expect(counted()).toEqual([10]);
    expect(pointsOf(receiver.requests).filter(({ name }) => name === 'otelrun.exporter.restarts').map(({ value }) => value)).toEqual([1]);
  });
});

test('an exporter that is killed: the next run, or drain, has it', async () => {
  const program = startOtelRun({ node, topology: 'replace', args: [node, script], env });
  await program.said('counted');
  for (const pid of exportersOf(place)) process.kill(pid, 'SIGKILL');
  program.kill('SIGTERM');
  await program.ended;
  expect(counted()).toEqual([]);
  expect(await drain(env)).toMatchObject({ exitCode: 0 });
  expect(new Set(counted())).toEqual(new Set([10]));
});
