/** What is in a spool is written by processes of the application, and may be anything: the reader neither fails, hangs, nor grows. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { followSpool } from '../../src/export/follow.ts';
import { buildRequest, halveParts, readRequest, type Part } from '../../src/export/request.ts';
import { viewSpool } from '../../src/export/spool-view.ts';
import { FRAME_HEADER_BYTES, FrameType, Signal, encodeFrame, type SegmentOwner } from '../../src/spool/frame.ts';
import { scanFrames } from '../../src/spool/scan.ts';
import { decodeSpanOutlines, decodeSpans } from '../../src/view/decode.ts';
import { requestToJson } from '../../src/view/json.ts';
import { MalformedOtlp } from '../../src/view/protobuf.ts';
import { drawTrace } from '../../src/view/tree.ts';
import { generator } from '../harness/seeded.ts';
import { resourceFields, scopeFields, spanField } from '../export/spans.ts';

const SEED = Number(process.env.HOSTILE_SEED ?? 20_261_121);

const owner: SegmentOwner = { pid: 2 ** 22 - 3, thread: 0, start: '1', pidNamespace: null, boot: null };
const frames = [
  { type: FrameType.owner, payload: Buffer.from(JSON.stringify(owner)) },
  { type: FrameType.resource, payload: resourceFields('hostile') },
  { type: FrameType.scope, scope: 1, payload: scopeFields('tests') },
  { type: FrameType.starts, signal: Signal.traces, scope: 1, count: 1, payload: spanField(9) },
  { type: FrameType.items, signal: Signal.traces, scope: 1, count: 3, payload: Buffer.concat([spanField(1), spanField(2, 40), spanField(3)]) },
  { type: FrameType.ended, signal: Signal.traces, count: 1, payload: Buffer.alloc(8, 1) },
  { type: FrameType.drops, signal: Signal.traces, count: 2, payload: Buffer.from('{"reason":"no room"}') },
  { type: FrameType.items, signal: Signal.traces, scope: 1, count: 1, payload: spanField(4, 300) },
  { type: FrameType.end },
] as const;

test('100,000 mutated segments', { timeout: 120_000 }, () => {
  const random = generator(SEED);
  const before = process.memoryUsage().rss;
  for (let round = 0; round < 100_000; round++) {
    const bytes = mutate(random);
    try {
      read(bytes, random);
    } catch (error) {
      throw new Error(`round ${round} of HOSTILE_SEED=${SEED}: ${bytes.toString('base64')}`, { cause: error });
    }
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024);
});

test('a thousand of them through files, as the exporter reads them', { timeout: 60_000 }, () => {
  const random = generator(SEED + 1);
  for (let round = 0; round < 100; round++) {
    const dir = mkdtempSync(join(tmpdir(), 'hostile-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    for (let number = 0; number < 10; number++) writeFileSync(join(dir, `${owner.pid}-0-1-${number}.seg`), mutate(random));
    const view = viewSpool(dir, 1);
    view.refresh(true);
    const follower = followSpool({ view, signal: 'traces', maxItems: 2, maxBytes: 200, skip: {} });
    let count = 0;
    for (let chunks = follower.read(); chunks !== null; chunks = follower.read()) for (const chunk of chunks) count += chunk.part?.count ?? 0;
    // A mutation may double frames, or cut a span into several; it makes no thousands of them.
    expect([round, count < 2000]).toEqual([round, true]);
  }
});

test('marks everywhere that claim what fits cost no more than a few readings', () => {
  const bytes = Buffer.alloc(4 * 1024 * 1024);
  for (let at = 0; at + FRAME_HEADER_BYTES <= bytes.length; at += FRAME_HEADER_BYTES) {
    bytes.write('OTR1', at, 'latin1');
    bytes.writeUInt32LE(Math.min(bytes.length - at - FRAME_HEADER_BYTES, 2 * 1024 * 1024), at + 12);
  }
  const since = performance.now();
  expect(scanFrames(bytes, true)).toEqual({ frames: [], consumed: bytes.length, skipped: bytes.length });
  expect(performance.now() - since).toBeLessThan(5000);
});

test.each([
  ['more items than bytes', 0xffff_ffff, Buffer.concat([spanField(1), spanField(2)]), [2]],
  ['items that are none, and many of them', 0xffff_ffff, Buffer.from('nonsense'), [4]],
  ['eight million empty items', 8_000_000, Buffer.alloc(16_000_000, Buffer.from([0x12, 0x00])), null],
])('a frame that claims %s', (_, count, payload, expected) => {
  const dir = join(mkdtempSync(join(tmpdir(), 'hostile-')), 'spool');
  onTestFinished(() => rmSync(join(dir, '..'), { recursive: true, force: true }));
  mkdirSync(dir);
  const segment = [...frames.slice(0, 3).map(encodeFrame), encodeFrame({ type: FrameType.items, signal: Signal.traces, scope: 1, count, payload })];
  writeFileSync(join(dir, `${owner.pid}-0-1-0.seg`), Buffer.concat(segment));
  const view = viewSpool(dir, 1);
  view.refresh(true);
  const follower = followSpool({ view, signal: 'traces', maxItems: 512, maxBytes: 2 * 1024 * 1024, skip: {} });
  const found: number[] = [];
  for (let chunks = follower.read(); chunks !== null; chunks = follower.read()) found.push(...chunks.map((chunk) => chunk.count));
  if (expected !== null) expect(found).toEqual(expected);
  else expect([found.length, found.reduce((sum, items) => sum + items, 0)]).toEqual([15_625, count]);
});

/** Everything that is done with a frame's bytes behind the hand-off. */
function read(bytes: Buffer, random: () => number): void {
  const cut = Math.floor(random() * bytes.length);
  scanFrames(bytes.subarray(0, cut), false);
  const { frames: found, consumed, skipped } = scanFrames(bytes, true);
  if (consumed !== bytes.length || skipped > bytes.length) throw new Error('not all of it was read');
  for (const { type, scope, count, payload } of found) {
    if (type !== FrameType.items) continue;
    const parts: Part[] = [{ resource: resourceFields('hostile'), scope: scopeFields(String(scope)), items: payload, count }];
    const request = buildRequest(parts);
    tolerated(() => readRequest(request));
    tolerated(() => halveParts(parts));
    tolerated(() => drawTrace(decodeSpans(request), { colour: false, width: 80 }));
    tolerated(() => decodeSpanOutlines(request));
    tolerated(() => requestToJson('traces', request));
  }
}

/** Unsound bytes are refused by an error of ours, which whoever asked counts; anything else is a fault. */
function tolerated(step: () => unknown): void {
  try {
    step();
  } catch (error) {
    const isOurs = error instanceof MalformedOtlp || (error instanceof Error && error.message.startsWith('unsound export request'));
    if (!isOurs) throw error;
  }
}

function mutate(random: () => number): Buffer {
  const pick = (below: number): number => Math.floor(random() * below);
  const parts: Buffer[] = [];
  for (const frame of frames) {
    const kind = pick(12);
    if (kind === 0) continue; // lost
    const payload = 'payload' in frame ? damage(Buffer.from(frame.payload), kind < 4 ? 1 + pick(6) : 0) : Buffer.alloc(0);
    const sealed = encodeFrame({ ...frame, payload, ...(kind === 4 ? { count: pick(2 ** 32) } : {}), ...(kind === 5 ? { scope: pick(2 ** 16) } : {}) });
    parts.push(sealed);
    if (kind === 6) parts.push(sealed);
  }
  // Behind the seals: what a torn write, a full disk or a stranger leaves.
  const whole = damage(Buffer.concat(parts), pick(3) === 0 ? 1 + pick(20) : 0);
  return pick(5) === 0 ? whole.subarray(0, pick(whole.length + 1)) : whole;

  function damage(bytes: Buffer, times: number): Buffer {
    for (; times > 0 && bytes.length > 0; times--) {
      const at = pick(bytes.length);
      const kind = pick(5);
      if (kind === 0) bytes[at]! ^= 1 << pick(8);
      else if (kind === 1) bytes[at] = [0, 0x7f, 0x80, 0xff][pick(4)]!;
      else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + pick(8)))]);
      else if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from('OTR1'), bytes.subarray(at)]);
      else bytes.fill(pick(256), at, Math.min(bytes.length, at + pick(16)));
    }
    return bytes;
  }
}
