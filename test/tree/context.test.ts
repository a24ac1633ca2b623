/** A context in the environment (TRACEPARENT) is continued; nothing is put into anybody's environment. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import type { ReceivedSpan } from '../harness/receiver.ts';
import { fixtures, namesOf, play } from './play.ts';

const newest = nodes.node26 ?? process.execPath;
const trace = '0af7651916cd43dd8448eb211c80319c';
const parent = 'b7ad6b7169203331';
const words = ['node', join(fixtures, 'handed-on.cjs')];
const byName = (spans: readonly ReceivedSpan[]) => Object.fromEntries(spans.map((span) => [span.name, span]));

describe.each(Object.entries({ 'newest Node': newest, 'oldest Node': nodes.node20min ?? newest }))('%s', (_, node) => {
  test('what a process starts by itself belongs to the trace of whoever started it', async () => {
    const { result, spans } = await play({ node, words, env: { TRACEPARENT: `00-${trace}-${parent}-01`, TRACESTATE: 'vendor=x', BAGGAGE: 'user=ada' } }, 9);
    expect(result).toMatchObject({ stderr: '', exitCode: 0 });
    expect(JSON.parse(result.stdout.split('\n')[0]!)).toEqual({ traceparent: `00-${trace}-${parent}-01`, tracestate: 'vendor=x', baggage: 'user=ada' });
    const found = byName(spans);
    for (const name of ['top', 'timer', 'starts a child', 'other child']) expect([name, found[name]?.traceId, found[name]?.parentSpanId]).toEqual([name, trace, parent]);
    expect(found.below?.parentSpanId).toBe(found.top?.spanId);
    expect(found.child?.parentSpanId).toBe(found['starts a child']?.spanId);
    // A request without a header is nobody's child, and who asks for no parent gets none.
    for (const name of ['GET', 'root', 'asked for no parent']) expect([name, found[name]?.traceId === trace, found[name]?.parentSpanId]).toEqual([name, false, '']);
  });

  test.each([
    ['none', undefined],
    ['a broken one', `00-${trace}-${'0'.repeat(16)}-01`],
  ])('%s: every process has traces of its own', async (_case, traceparent) => {
    const { result, plain, spans } = await play({ node, words, env: { TRACEPARENT: traceparent, BAGGAGE: 'checked=2' } }, 9);
    expect(result).toMatchObject({ stderr: '', exitCode: 0 });
    expect(result.stdout).toBe(plain.stdout);
    const found = byName(spans);
    expect(found.top?.parentSpanId).toBe('');
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(7);
  });
});

test('one that is not sampled is obeyed', async () => {
  const { result, spans } = await play({ node: newest, words, env: { TRACEPARENT: `00-${trace}-${parent}-00` } }, 3);
  expect(result.exitCode).toBe(0);
  expect(namesOf(spans)).toEqual(['GET', 'asked for no parent', 'root']);
});
