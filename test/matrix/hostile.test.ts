/** Rows 38 and 39: whatever the application does to its spans, its clock, its stack and its event loop, nothing is thrown and nothing lost. */
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { startReceiver } from '../harness/receiver.ts';
import { otelRun, plainNode } from '../harness/run.ts';
import { CELLS_AT_ONCE, allCells, expectAllDelivered, home, missing, play } from './play.ts';

vi.setConfig({ maxConcurrency: CELLS_AT_ONCE, testTimeout: 60_000 });

const hostile = fileURLToPath(new URL('../fixtures/endings/hostile.cjs', import.meta.url));
/** The newest and the floor. */
const fewCells = [allCells[0]!, ...allCells.slice(-2)];

describe.concurrent('row 38: NaN, BigInt, cycles, megabytes, getters that throw, a clock that jumps: nothing is thrown, every span arrives', () => {
  test.each(fewCells)('%s', async (_, { node, topology }) => {
    const receiver = await startReceiver();
    try {
      const [result, plain] = await Promise.all([
        otelRun({ node, topology, args: [node, hostile], env: { HOME: home, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl }, timeoutMs: 55_000 }),
        plainNode({ node, args: [hostile], timeoutMs: 55_000 }),
      ]);
      expect({ ...result, pid: 0 }).toEqual({ ...plain, pid: 0 });
      const cases = Number.parseInt(result.stdout, 10);
      await receiver.waitForSpans(() => receiver.missing(cases).length === 0).catch(() => {});
      expect([receiver.missing(cases), receiver.twice(), receiver.errors]).toEqual([[], [], []]);
      expect(receiver.spans.filter((span) => span.endTimeUnixNano < span.startTimeUnixNano)).toEqual([]);

      const inCase = (name: string) => receiver.spans.find(({ attributes }) => attributes['test.case'] === name)!;
      expect(String(inCase('megabyte as attribute').attributes.hostile)).toHaveLength(128 * 1024); // cut
      expect(inCase('circular as attribute').attributes).not.toHaveProperty('hostile');
      expect(inCase('throwing as attribute').attributes).not.toHaveProperty('hostile');
      expect(inCase('NaN as attribute').attributes.hostile).toBeNaN();
      // What could be read beside what could not.
      expect(receiver.spans.filter(({ name, attributes }) => name === 'inner' && attributes.fine === 1).length).toBeGreaterThan(20);
    } finally {
      await receiver.close();
    }
  });
});

describe.concurrent('row 39: an event loop that is blocked, then process.exit(): 100 of 100', () => {
  test.each(fewCells)('%s', async (_, cell) => {
    expect((await expectAllDelivered(cell, { name: 'blocked' })).result).toMatchObject({ exitCode: 3 });
  });
});

describe.concurrent('row 39: recursion until the stack is full: every span that began arrives', () => {
  test.each(fewCells)('%s', async (_, cell) => {
    const { result, spans } = await play(cell, { name: 'deep', nodeOptions: ['--stack-size=250'] }, (spans) => {
      const last = spans.find(({ name }) => name === 'last');
      return last !== undefined && missing(spans, Number(last.attributes['test.begun'])).length === 0;
    });
    expect(result).toMatchObject({ stdout: 'RangeError\n'.repeat(12), stderr: '', exitCode: 0 });
    const begun = Number(spans.find(({ name }) => name === 'last')!.attributes['test.begun']);
    expect(begun).toBeGreaterThan(500);
    expect(missing(spans, begun)).toEqual([]);
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
    expect(spans.length - 1 - begun).toBeLessThanOrEqual(24); // begun where there was no room any more to say so
  });
});
