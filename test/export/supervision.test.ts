import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { droppedCount } from '../../src/export/summary.ts';
import { startReceiver } from '../harness/receiver.ts';
import { makeRoom, otlp, until, workerUrl, type Room } from './room.ts';

/** A worker module with `prelude` run before the exporter itself begins. */
function workerWith(room: Room, prelude: string): URL {
  const file = join(room.dir, 'worker.mjs');
  writeFileSync(file, `${prelude}\nif (go) await import(${JSON.stringify(workerUrl.href)});\n`);
  return pathToFileURL(file);
}

/** True for the first `times` workers only: counted in a file, for each worker is a thread of its own. */
const firstOnes = (room: Room, times: number): string => `
  import { appendFileSync, readFileSync } from 'node:fs';
  appendFileSync(${JSON.stringify(join(room.dir, 'starts'))}, '.');
  const nth = readFileSync(${JSON.stringify(join(room.dir, 'starts'))}).length;
  const isFaulty = nth <= ${times};
`;

async function receive() {
  const receiver = await startReceiver();
  onTestFinished(() => receiver.close());
  return receiver;
}

test('a worker that fails goes on where it was: everything once, with one account', async () => {
  const room = makeRoom();
  const receiver = await receive();
  // Fails in the middle of its work, after the first batches were delivered.
  const url = workerWith(room, `${firstOnes(room, 1)} const go = true; if (isFaulty) setTimeout(() => { throw new Error('planned'); }, 400);`);
  const exporter = room.supervise(room.plan({ destinations: [otlp(receiver.httpUrl)], batch: { scheduleDelayMs: 20, maxItems: 50 } }), { workerUrl: url });
  await room.write({ from: 1, to: 1000, perTurn: 10, pauseMs: 10, ending: 'stay' });
  await receiver.waitForSpans(1000);
  expect(readFileSync(join(room.dir, 'starts'), 'latin1')).toBe('..');
  const traces = (await exporter.drain()).signals.traces!;
  expect(receiver.missing(1000)).toEqual([]);
  // A batch that was on its way when the worker failed may come twice; it is never lost.
  expect(receiver.twice().length).toBeLessThanOrEqual(4 * 50);
  expect(traces.delivered).toBe(1000);
  expect(traces.produced).toBe(1000);
  expect(room.notices).toEqual([]);
});

test('a worker that fails each time is given up after three more, with one line; the rest is counted', async () => {
  const room = makeRoom();
  const receiver = await receive();
  const exporter = room.supervise(room.plan({ destinations: [otlp(receiver.httpUrl)] }), { workerUrl: workerWith(room, `${firstOnes(room, 99)} const go = false; throw new Error('planned');`) });
  await until(() => room.notices.length > 0, 'it is said');
  await room.write({ from: 1, to: 100 });
  const summary = await exporter.drain();
  expect(room.notices).toEqual([expect.stringMatching(/the exporter failed 4 times and is off.*planned/)]);
  expect(readFileSync(join(room.dir, 'starts'), 'latin1')).toBe('....');
  expect(summary.signals.traces).toMatchObject({ produced: 100, delivered: 0, kept: 0, dropped: { 'the exporter failed': 100 } });
  expect(readdirSync(room.dir)).not.toContain('spool');
});

test('a worker without memory fails alone, and another takes over', { timeout: 60_000 }, async () => {
  const room = makeRoom();
  const receiver = await receive();
  const url = workerWith(room, `${firstOnes(room, 1)} const go = !isFaulty; const hoard = []; while (isFaulty) hoard.push(new Array(10_000).fill(Math.random()));`);
  const exporter = room.supervise(room.plan({ destinations: [otlp(receiver.httpUrl)] }), { workerUrl: url });
  await room.write({ from: 1, to: 100 });
  await receiver.waitForSpans(100, 30_000);
  expect((await exporter.drain()).signals.traces!.delivered).toBe(100);
});

test('a worker that hangs is replaced while the application runs', { timeout: 40_000 }, async () => {
  const room = makeRoom();
  const receiver = await receive();
  const url = workerWith(room, `${firstOnes(room, 1)} const go = true; if (isFaulty) setTimeout(() => { for (;;); }, 100);`);
  const exporter = room.supervise(room.plan({ destinations: [otlp(receiver.httpUrl)] }), { workerUrl: url });
  await until(() => readdirSync(room.dir).includes('starts'), 'the first worker runs');
  await room.write({ from: 1, to: 100, perTurn: 10, pauseMs: 50 });
  await receiver.waitForSpans(100, 20_000);
  expect((await exporter.drain()).signals.traces!.delivered).toBe(100);
});

test('a worker that takes three seconds to load is waited for at the end: what it cannot send in time is kept', async () => {
  const room = makeRoom();
  const receiver = await receive();
  await room.write({ from: 1, to: 100 });
  const url = workerWith(room, `${firstOnes(room, 99)} const go = true; for (const until = Date.now() + 3000; Date.now() < until; );`);
  const exporter = room.supervise(room.plan({ destinations: [otlp(receiver.httpUrl)] }), { workerUrl: url });
  const traces = (await exporter.drain()).signals.traces!;
  expect(traces.delivered + traces.kept).toBe(100);
});

test('a worker that hangs at the end does not hold it up, and its rest is counted', async () => {
  const room = makeRoom();
  const receiver = await receive();
  const url = workerWith(room, `${firstOnes(room, 99)} const go = true; import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { for (;;); });`);
  const exporter = room.supervise(room.plan({ destinations: [otlp(receiver.httpUrl)], batch: { scheduleDelayMs: 60_000, maxItems: 512 } }), { workerUrl: url });
  await until(() => readdirSync(room.dir).includes('starts'), 'the worker runs');
  await room.write({ from: 1, to: 100 });
  const start = performance.now();
  const traces = (await exporter.drain()).signals.traces!;
  expect(performance.now() - start).toBeLessThan(3500);
  expect(traces.produced).toBe(100);
  expect(traces.delivered + traces.kept + droppedCount(traces)).toBe(100);
});
