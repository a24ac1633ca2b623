/** Spans that an ending cuts off arrive as well: ended at that moment, or when their process was last heard of, and marked. */
import { describe, expect, test, vi } from 'vitest';
import { drain, makePlace, processesOf, until } from '../export/runs.ts';
import { startReceiver } from '../harness/receiver.ts';
import { startOtelRun } from '../harness/run.ts';
import { CELLS_AT_ONCE, allCells, cutOff, expectAllDelivered, fixture, missing, onlyChildOf, play } from './play.ts';

vi.setConfig({ maxConcurrency: CELLS_AT_ONCE, testTimeout: 60_000 });

const fewCells = [allCells[0]!, ...allCells.slice(-2)];

describe.concurrent('spans that are open when the process exits', () => {
  test.each(fewCells)('%s', async (_, cell) => {
    const { spans } = await expectAllDelivered(cell, { name: 'open' });
    expect(cutOff(spans)).toEqual(['span 100: exit', 'span 99: exit']);
    expect(spans.find(({ name }) => name === 'span 100')?.attributes).toMatchObject({ 'shop.order': 7 });
  });
});

describe.concurrent.each([
  ['SIGKILL', allCells],
  ['SIGTERM', fewCells],
] as const)('spans that are open for 0.1 s when %s ends the process', (signal, cells) => {
  test.each(cells)('%s', async (_, cell) => {
    const { spans } = await play(cell, { name: 'open-when-killed', signal }, (spans) => spans.length >= 3);
    expect(spans.map(({ name }) => name).sort().filter((name) => name !== 'short')).toEqual(['ended in time', 'gone at once', 'long']);
    expect(cutOff(spans).filter((span) => span !== 'short: killed')).toEqual(['long: killed']);
    const long = spans.find(({ name }) => name === 'long')!;
    expect(long).toMatchObject({ attributes: { 'shop.order': 7 }, status: { code: 'unset' }, scope: { name: 'endings' } });
    expect(long.endTimeUnixNano - long.startTimeUnixNano).toBeGreaterThan(100_000_000n);
  });
});

describe.concurrent.each([
  ['process.abort()', { word: 'abort' }, ['long: killed', 'short: killed']],
  ['a signal that the process sends to itself', { word: 'kill' }, ['long: killed', 'short: killed']],
  ['heap out of memory', { word: 'heap', nodeOptions: ['--max-old-space-size=60'] }, ['long: killed']],
  ['process.exit()', { word: 'exit' }, ['long: exit', 'short: exit']],
  ['SIGKILL where all starts are recorded', { signal: 'SIGKILL', env: { OTEL_RUN_RECORD_STARTS: 'all' } }, ['long: killed', 'short: killed']],
  ['SIGKILL where none is', { signal: 'SIGKILL', env: { OTEL_RUN_RECORD_STARTS: 'none' } }, []],
] as const)('at the end by %s', (_, ending, expected) => {
  test.each(fewCells)('%s', async (_, cell) => {
    const { spans } = await play(cell, { name: 'open-when-killed', ...ending }, (spans) => spans.length >= 2 + expected.length);
    expect(cutOff(spans).filter((span) => (expected as readonly string[]).includes(span) || !span.startsWith('short'))).toEqual(expected);
    for (const span of spans) expect(span.endTimeUnixNano).toBeGreaterThanOrEqual(span.startTimeUnixNano);
    expect(spans.filter(({ name }) => name === 'ended in time' || name === 'gone at once')).toHaveLength(2);
  });
});

describe.concurrent('a start that is segments of the spool ago', () => {
  test.each(fewCells)('%s', async (_, cell) => {
    const { spans } = await play(cell, { name: 'open-over-segments', signal: 'SIGKILL' }, (spans) => spans.length >= 1202);
    expect(missing(spans, 1200)).toEqual([]);
    expect(spans).toHaveLength(1202);
    expect(cutOff(spans)).toEqual(['open: killed']);
  });
});

test('launcher and application are killed together: the next run sends what was open as well', async () => {
  const place = makePlace();
  const receiver = await startReceiver();
  try {
    const [, { node, kind }] = allCells.at(-1)!;
    const run = (ending: string) => startOtelRun({ node, topology: 'parent', args: [node, fixture(kind), ending], env: { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl } });
    const program = run('open-when-killed');
    await program.said('ready');
    await receiver.waitForSpans(2);
    const application = onlyChildOf(program.pid);
    program.kill('SIGKILL');
    process.kill(application, 'SIGKILL');
    await program.ended;
    await until(() => processesOf(place), (left) => left.length === 0);
    await run('exit-code').ended;
    await drain({ ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl });
    expect(cutOff(receiver.spans).filter((span) => span !== 'short: killed')).toEqual(['long: killed']);
  } finally {
    await receiver.close();
    for (const pid of processesOf(place)) process.kill(pid, 'SIGKILL');
    place.remove();
  }
});
