/** Rows 11, 13 and 14: nobody takes the telemetry. The application does not notice, and nothing is lost. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { drain, makePlace, processesOf, until, type Place } from '../export/runs.ts';
import { closedPort, startReceiver, type Receiver } from '../harness/receiver.ts';
import { startOtelRun, type RunningProgram } from '../harness/run.ts';
import { allCells, fixture, missing, onlyChildOf } from './play.ts';
import type { Cell } from '../harness/nodes.ts';

vi.setConfig({ maxConcurrency: 4, testTimeout: 60_000 });

/** What a noisy machine may add to a promise of milliseconds. */
const NOISE_MS = 2000;
const DELAY_MS = { replace: 0, parent: 500, 'parent, never reached yet': 2000 };

/** Finishes a hundred spans and stays; `ready` when they are handed over. */
function start({ node, kind, topology }: Cell, place: Place, endpoint: string, more: Record<string, string> = {}): RunningProgram {
  return startOtelRun({ node, topology, args: [node, fixture(kind), 'signal'], env: { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...more }, ownSession: true });
}

async function endBySignal(program: RunningProgram): Promise<{ words: string; tookMs: number }> {
  const from = performance.now();
  program.kill('SIGTERM');
  const { stdout, stderr, exitCode, signal } = await program.ended;
  const tookMs = performance.now() - from;
  expect({ stdout, exitCode, signal }).toEqual({ stdout: 'ready\n', exitCode: null, signal: 'SIGTERM' });
  return { words: stderr, tookMs };
}

/** All of it is sent when the backend is there: read from what arrives, not from what is said. */
async function expectKept(place: Place, receiver: Receiver): Promise<void> {
  await until(() => place.runs(), (runs) => runs.length === 0);
  await drain({ ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl });
  expect(missing(receiver.spans, 100)).toEqual([]);
  expect(receiver.spans).toHaveLength(100);
}

async function inPlace(test: (place: Place) => Promise<void>): Promise<void> {
  const place = makePlace();
  try {
    await test(place);
  } finally {
    for (const pid of processesOf(place)) process.kill(pid, 'SIGKILL');
    place.remove();
  }
}

describe.concurrent('row 13: a backend that refuses delays the end by half a second at most, and all is kept', () => {
  test.each(allCells)('%s', (_, cell) =>
    inPlace(async (place) => {
      const httpPort = await closedPort();
      const program = start(cell, place, `http://127.0.0.1:${httpPort}`);
      await program.said('ready');
      const { words, tookMs } = await endBySignal(program);
      expect(tookMs).toBeLessThan(DELAY_MS[cell.topology] + NOISE_MS);
      if (cell.topology === 'parent') expect(words).toMatch(/^(otel-run: http:[^\n]*: connection refused[^\n]*trying again[^\n]*\n)?otel-run: 100 spans for http:[^\n]* kept for the next run[^\n]*: connection refused[^\n]*\n$/);
      else expect(words).toBe('');
      const receiver = await startReceiver({ httpPort });
      try {
        await expectKept(place, receiver);
      } finally {
        await receiver.close();
      }
    }),
  );
});

describe.concurrent('row 14: a backend that accepts and never answers delays the end by two seconds at most, and all is kept', () => {
  test.each(allCells)('%s', (_, cell) =>
    inPlace(async (place) => {
      const receiver = await startReceiver();
      try {
        receiver.misbehave({ kind: 'hang' });
        const program = start(cell, place, receiver.httpUrl);
        await program.said('ready');
        await receiver.waitForRequests(1);
        const { words, tookMs } = await endBySignal(program);
        expect(tookMs).toBeLessThan((cell.topology === 'parent' ? DELAY_MS['parent, never reached yet'] : 0) + NOISE_MS);
        if (cell.topology === 'parent') expect(words).toMatch(/^otel-run: 100 spans for http:[^\n]* kept for the next run[^\n]*\n$/);
        else expect(words).toBe('');
        await until(() => place.runs(), (runs) => runs.length === 0);
        receiver.behave();
        await expectKept(place, receiver);
      } finally {
        await receiver.close();
      }
    }),
  );
});

describe.concurrent('row 11: SIGKILL to the launcher leaves the application alone; the next run sends what it finished', () => {
  test.each(allCells.filter(([, { topology }]) => topology === 'parent'))('%s', (_, cell) =>
    inPlace(async (place) => {
      const receiver = await startReceiver();
      try {
        receiver.misbehave({ kind: 'status', status: 503 });
        const program = start(cell, place, receiver.httpUrl, { OTEL_RESOURCE_ATTRIBUTES: 'test.run=orphan' });
        await program.said('ready');
        await receiver.waitForRequests(1);
        const application = onlyChildOf(program.pid);
        program.kill('SIGKILL');
        await until(() => processesOf(place), (left) => !left.includes(program.pid));
        expect(processesOf(place)).toContain(application);
        process.kill(application, 'SIGTERM');
        expect(await program.ended).toMatchObject({ stdout: 'ready\n', stderr: '' });

        receiver.behave();
        const next = start(cell, place, receiver.httpUrl, { OTEL_RESOURCE_ATTRIBUTES: 'test.run=next' });
        await next.said('ready');
        await endBySignal(next);
        await drain({ ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl });
        const orphans = receiver.spans.filter(({ resource }) => resource['test.run'] === 'orphan');
        expect(missing(orphans, 100)).toEqual([]);
        // Twice where the next run ended before it was answered.
        expect(new Set(orphans.map(({ spanId }) => spanId)).size).toBe(100);
      } finally {
        await receiver.close();
      }
    }),
  );
});
