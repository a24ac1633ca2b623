/** What a reader makes of the starts in a spool: of dead writers, of corrupt ones, and of frames that it does not know. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { followSpool } from '../../src/export/follow.ts';
import { buildRequest } from '../../src/export/request.ts';
import { viewSpool } from '../../src/export/spool-view.ts';
import { FrameType, Signal, encodeFrame, type SegmentOwner } from '../../src/spool/frame.ts';
import { currentOwner } from '../../src/spool/owner.ts';
import { decodeProtobuf, type ReceivedSpan } from '../harness/otlp-decode.ts';
import { resourceFields, scopeFields, spanField } from './spans.ts';

/** A process of this machine that is gone: it had this pid before us. */
const gone: SegmentOwner = { ...currentOwner(0), start: '1' };
const head = (owner = gone) => [
  encodeFrame({ type: FrameType.owner, payload: Buffer.from(JSON.stringify(owner)) }),
  encodeFrame({ type: FrameType.resource, payload: resourceFields('shop') }),
  encodeFrame({ type: FrameType.scope, scope: 1, payload: scopeFields('scope') }),
];
/** Span number `n` with that for its id. */
const field = (n: number): Buffer => {
  const bytes = spanField(n);
  bytes.writeBigUInt64BE(BigInt(n), 22); // behind two tags and lengths, and the trace id
  return bytes;
};
const starts = (...numbers: number[]) => encodeFrame({ type: FrameType.starts, signal: Signal.traces, scope: 1, count: numbers.length, payload: Buffer.concat(numbers.map(field)) });
const ended = (...numbers: number[]) => encodeFrame({ type: FrameType.ended, signal: Signal.traces, count: numbers.length, payload: Buffer.concat(numbers.map((n) => field(n).subarray(22, 30))) });
const items = (...numbers: number[]) => encodeFrame({ type: FrameType.items, signal: Signal.traces, scope: 1, count: numbers.length, payload: Buffer.concat(numbers.map(field)) });
const raw = (type: number, payload: Buffer) => encodeFrame({ type: type as typeof FrameType.starts, signal: Signal.traces, scope: 1, count: 1, payload });

/** Segments by number, read to their ends. */
function read(segments: Record<number, readonly Buffer[]>, owner = gone): ReceivedSpan[] {
  const dir = mkdtempSync(join(tmpdir(), 'unfinished-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  for (const [number, frames] of Object.entries(segments)) writeFileSync(join(dir, `${owner.pid}-0-${owner.start}-${number}.seg`), Buffer.concat(frames));
  const view = viewSpool(dir, 1);
  const follower = followSpool({ view, signal: 'traces', maxItems: 512, maxBytes: 1024 * 1024, skip: {} });
  const spans: ReceivedSpan[] = [];
  // The writer of a segment is known, and known to be gone, from its first frame on.
  for (let round = 0; round < 3; round++) {
    view.refresh(true);
    for (let chunks = follower.read(); chunks !== null; chunks = follower.read()) {
      for (const { part } of chunks) if (part !== null) spans.push(...decodeProtobuf('traces', buildRequest([part])).spans);
    }
  }
  return spans;
}

const told = (spans: readonly ReceivedSpan[]) => spans.map(({ name, attributes }) => `${name}${'otel_run.unfinished' in attributes ? ` ${String(attributes['otel_run.unfinished'])}` : ''}`);

test('spans that a writer began and did not end are ended where it was last heard of', () => {
  const spans = read({ 0: [...head(), starts(1, 2, 3), items(2), ended(2)] });
  expect(told(spans)).toEqual(['span 2', 'span 1 killed', 'span 3 killed']);
  for (const span of spans) expect(span).toMatchObject({ resource: { 'service.name': 'shop' }, scope: { name: 'scope' } });
});

test('none is made where the writer lives, or has said that nothing follows', () => {
  expect(told(read({ 0: [...head(currentOwner(0)), starts(1), items(2)] }, currentOwner(0)))).toEqual(['span 2']);
  expect(told(read({ 0: [...head(), starts(1), items(2), encodeFrame({ type: FrameType.end })] }))).toEqual(['span 2']);
});

test('the last segment of a writer alone tells what it left open', () => {
  expect(told(read({ 2: [...head(), starts(1, 2)], 10: [...head(), starts(1), items(2)] }))).toEqual(['span 2', 'span 1 killed']);
});

test('a frame of a later version is passed over', () => {
  expect(told(read({ 0: [...head(), raw(99, Buffer.from('whatever it may mean')), items(1)] }))).toEqual(['span 1']);
});

test.each([
  ['no fields', Buffer.from('\xff\xff\xff\xff\xff\xff', 'latin1')],
  ['a span without ids', Buffer.from([0x12, 2, 0x08, 1])],
  ['a span that is cut', spanField(7).subarray(0, 30)],
  ['fields of absurd length', Buffer.from([0x12, 0xff, 0xff, 0xff, 0xff, 0x7f])],
])('starts that are unsound cost nothing else: %s', (_, payload) => {
  expect(told(read({ 0: [...head(), items(1), raw(FrameType.starts, payload), raw(FrameType.ended, payload), items(2)] }))).toEqual(['span 1', 'span 2']);
});

test('more starts than an agent follows are not collected without end', () => {
  const many = Array.from({ length: 20_000 }, (_, index) => index + 1);
  expect(read({ 0: [...head(), starts(...many), starts(...many)] }).length).toBeLessThanOrEqual(8192);
});
