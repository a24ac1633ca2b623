import { expect, test } from 'vitest';
import { FrameType, Signal, encodeFrame } from '../../src/spool/frame.ts';
import { scanFrames } from '../../src/spool/scan.ts';

const a = encodeFrame({ type: FrameType.items, signal: Signal.traces, scope: 1, count: 2, payload: Buffer.from('first') });
const b = encodeFrame({ type: FrameType.items, signal: Signal.traces, scope: 1, count: 3, payload: Buffer.from('second') });
const flip = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 0x40;
  return copy;
};

test.each([
  ['two whole frames', Buffer.concat([a, b]), false, ['first', 'second'], 0],
  ['a frame that is still being written', Buffer.concat([a, b.subarray(0, 22)]), false, ['first'], 0],
  ['a torn frame of a dead writer', Buffer.concat([a, b.subarray(0, 22)]), true, ['first'], 22],
  ['garbage before a frame', Buffer.concat([Buffer.from('garbage'), a]), false, ['first'], 7],
  ['a frame with a flipped payload bit', Buffer.concat([flip(a, 21), b]), false, ['second'], a.length],
  ['a frame with an absurd length', Buffer.concat([flip(a, 15), b]), false, ['second'], a.length],
  ['nothing', Buffer.alloc(0), true, [], 0],
])('scanFrames reads %s', (_, bytes, final, payloads, skipped) => {
  const result = scanFrames(bytes, final);
  expect(result.frames.map((frame) => frame.payload.toString())).toEqual(payloads);
  expect(result.skipped).toBe(skipped);
});

test('scanFrames goes on where it stopped, whatever the pieces', () => {
  const all = Buffer.concat([a, b, a, b]);
  for (let piece = 1; piece < 60; piece++) {
    let rest = Buffer.alloc(0);
    let count = 0;
    for (let at = 0; at < all.length; at += piece) {
      rest = Buffer.concat([rest, all.subarray(at, at + piece)]);
      const result = scanFrames(rest, false);
      count += result.frames.length;
      rest = rest.subarray(result.consumed);
    }
    expect([piece, count, rest.length]).toEqual([piece, 4, 0]);
  }
});
