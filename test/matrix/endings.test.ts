/** Rows 1 to 4 and 12: however the application ends by itself, all that it finished arrives, and the ending is plain node's. */
import { createRequire } from 'node:module';
import { describe, expect, test, vi } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import { startReceiver } from '../harness/receiver.ts';
import { otelRun, plainNode } from '../harness/run.ts';
import { CELLS_AT_ONCE, PATIENCE, allCells, cutOff, expectAllDelivered, fixture, home, missing, play } from './play.ts';

vi.setConfig({ maxConcurrency: CELLS_AT_ONCE, testTimeout: 60_000 });

describe.concurrent.each([
  ['row 1: a natural end', 'natural', { exitCode: 0 }],
  ['row 2: process.exit() at once', 'exit-now', { exitCode: 0 }],
  ['row 2: process.exit() later keeps its code', 'exit-later', { exitCode: 3 }],
  ["spans of the last moments: beforeExit (once), the application's exit listeners, process.exit() inside one", 'last-moments', { exitCode: 5 }],
] as const)('%s: 100 of 100', (_, name, ending) => {
  test.each(allCells)('%s', async (_, cell) => {
    expect((await expectAllDelivered(cell, { name })).result).toMatchObject(ending);
  });
});

describe.concurrent.each([
  ['row 3: an uncaught exception', 'throw', 'nobody catches this'],
  ['row 4: an unhandled rejection', 'rejection', 'nobody awaits this'],
])('%s: 100 of 100, and it is on the span in which it was thrown, which says that it was cut off', (_, name, message) => {
  test.each(allCells)('%s', async (_, cell) => {
    const { result, spans } = await expectAllDelivered(cell, { name });
    expect(result).toMatchObject({ exitCode: 1 });
    expect(cutOff(spans)).toEqual(['span 100: uncaught exception']);
    const { status, events } = spans.find((span) => span.name === 'span 100')!;
    expect(status).toEqual({ code: 'error', message });
    const exception = { 'exception.type': 'Error', 'exception.message': message };
    expect(events).toMatchObject([
      { name: 'exception', attributes: exception },
      { name: 'app.crash', attributes: { ...exception, 'process.exit.code': 1 } },
    ]);
    expect(spans.filter((span) => span.events.length > 0)).toHaveLength(1);
  });
});

describe.concurrent('row 12: 20,000 spans in one turn arrive, or are counted', () => {
  test.each(allCells)('%s', async (_, cell) => {
    const { spans } = await play(cell, { name: 'burst' }, (spans) => spans.length >= 20_000);
    expect(missing(spans, 20_000)).toEqual([]); // the cap is far away: none has to be counted
    expect(spans).toHaveLength(20_000);
  });
});

describe.concurrent('row 12: where the spool is too small, one line says how many did not arrive, and the sum is right', () => {
  test.each(allCells.filter(([, { topology }]) => topology === 'parent').filter((_, at, cells) => at === 0 || at === cells.length - 1))('%s', async (_, { node, kind }) => {
    const receiver = await startReceiver();
    try {
      const env = { HOME: home, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_RUN_SPOOL_SIZE: '64KiB', ...PATIENCE };
      const { stderr, exitCode } = await otelRun({ node, topology: 'parent', args: [node, fixture(kind), 'burst'], env });
      expect(exitCode).toBe(0);
      // What went to the state directory to make room is sent behind the end.
      const lost = [...stderr.matchAll(/(\d+) spans for \S+ lost: /g)].reduce((sum, [, count]) => sum + Number(count), 0);
      expect(stderr).toMatch(/^otel-run: [^\n]*lost: spool: full[^\n]*\n$/);
      await receiver.waitForSpans((spans) => spans.length >= 20_000 - lost, 20_000).catch(() => {});
      expect(missing(receiver.spans, 20_000)).toHaveLength(lost);
    } finally {
      await receiver.close();
    }
  });
});

test('control: under the stock preload process.exit() loses them, so that these checks can fail', async () => {
  const receiver = await startReceiver();
  try {
    const stock = createRequire(import.meta.url).resolve('@opentelemetry/auto-instrumentations-node/register');
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_NODE_RESOURCE_DETECTORS: 'env', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' };
    const { exitCode } = await plainNode({ node: nodes.node24!, args: ['--require', stock, fixture('cjs'), 'exit-now'], env });
    expect(exitCode).toBe(0);
    expect(missing(receiver.spans, 100)).toHaveLength(100);
  } finally {
    await receiver.close();
  }
});
