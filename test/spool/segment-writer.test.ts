import { closeSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FrameType, Signal, type Frame } from '../../src/spool/frame.ts';
import { currentOwner, ownerLives } from '../../src/spool/owner.ts';
import { scanFrames } from '../../src/spool/scan.ts';
import { createSegmentWriter } from '../../src/spool/segment-writer.ts';

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'spool-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (options: { capBytes?: number; segmentBytes?: number; pendingBytes?: number } = {}) =>
  createSegmentWriter({ dir: join(dir, 'run'), owner: currentOwner(0), resource: Buffer.from('R'), capBytes: 1 << 20, ...options });

const frames = (): Frame[] =>
  readdirSync(join(dir, 'run'))
    .sort((x, y) => x.localeCompare(y, 'en', { numeric: true }))
    .flatMap((name) => scanFrames(readFileSync(join(dir, 'run', name)), true).frames);

const types = (): number[] => frames().map((frame) => frame.type);
const sum = (type: number): number => frames().reduce((all, frame) => all + (frame.type === type ? frame.count : 0), 0);

test('a segment begins with its owner and its resource, and names a scope before its items', () => {
  const writer = open();
  const scope = writer.defineScope(Buffer.from('S'));
  writer.append(Signal.traces, scope, Buffer.from('one'));
  writer.append(Signal.traces, scope, Buffer.from('two'));
  writer.close();
  expect(types()).toEqual([FrameType.owner, FrameType.resource, FrameType.scope, FrameType.items, FrameType.end]);
  const items = frames()[3]!;
  expect([items.count, items.payload.toString()]).toEqual([2, 'onetwo']);
});

test('every segment after a rotation can be read alone', () => {
  const writer = open({ segmentBytes: 64 * 1024 });
  const scope = writer.defineScope(Buffer.from('S'));
  for (let i = 0; i < 40; i++) {
    writer.append(Signal.traces, scope, Buffer.alloc(10_000));
    writer.flush();
  }
  writer.close();
  for (const name of readdirSync(join(dir, 'run'))) {
    const read = scanFrames(readFileSync(join(dir, 'run', name)), true).frames.map((frame) => frame.type);
    expect(read.slice(0, 4)).toEqual([FrameType.owner, FrameType.resource, FrameType.scope, FrameType.items]);
    expect(read.at(-1)).toBe(FrameType.end);
  }
  expect(sum(FrameType.items)).toBe(40);
});

test('a full spool takes no more, and everything is written or counted', () => {
  const writer = open({ capBytes: 256 * 1024, pendingBytes: 100_000 });
  const scope = writer.defineScope(Buffer.from('S'));
  for (let i = 0; i < 100; i++) {
    writer.append(Signal.traces, scope, Buffer.alloc(10_000));
    writer.flush();
  }
  const full = sum(FrameType.items);
  expect(full).toBeLessThan(40);
  for (const name of readdirSync(join(dir, 'run'))) rmSync(join(dir, 'run', name));
  const deadline = Date.now() + 2000;
  while (writer.pending > 0 && Date.now() < deadline) writer.flush();
  writer.close();
  expect(full + sum(FrameType.items) + sum(FrameType.drops)).toBe(100);
});

test('what a full spool cannot take is counted at the end, and the counts are written before it', () => {
  const writer = open({ capBytes: 256 * 1024 });
  const scope = writer.defineScope(Buffer.from('S'));
  for (let i = 0; i < 200; i++) writer.append(Signal.traces, scope, Buffer.alloc(10_000));
  const deadline = Date.now() + 2000;
  while (sum(FrameType.drops) === 0 && Date.now() < deadline) writer.flush();
  expect(200 - sum(FrameType.items) - sum(FrameType.drops)).toBeLessThanOrEqual(128 / 10 + 1); // what a process that is killed now loses
  writer.close();
  expect(sum(FrameType.items) + sum(FrameType.drops)).toBe(200);
  writer.append(Signal.traces, scope, Buffer.alloc(10_000));
  writer.flush(true);
  expect(sum(FrameType.items) + sum(FrameType.drops)).toBe(201);
});

test('a full spool that is emptied takes items again, also behind counts', () => {
  const writer = open({ capBytes: 256 * 1024 });
  const scope = writer.defineScope(Buffer.from('S'));
  for (let i = 0; i < 200; i++) writer.append(Signal.traces, scope, Buffer.alloc(10_000));
  const told = sum(FrameType.items) + sum(FrameType.drops);
  for (const name of readdirSync(join(dir, 'run'))) rmSync(join(dir, 'run', name));
  writer.append(Signal.traces, scope, Buffer.alloc(10_000));
  writer.close();
  expect(told + sum(FrameType.items) + sum(FrameType.drops)).toBe(201);
  expect(sum(FrameType.items)).toBeGreaterThan(0);
});

test('a descriptor that the application closed and reused is not written to', () => {
  const writer = open();
  const scope = writer.defineScope(Buffer.from('S'));
  const probe = openSync(join(dir, 'probe'), 'w');
  closeSync(probe);
  writer.append(Signal.traces, scope, Buffer.from('one'));
  writer.flush(); // takes the number that the probe had
  closeSync(probe);
  const theirs = openSync(join(dir, 'theirs'), 'w');
  expect(theirs).toBe(probe);
  writer.append(Signal.traces, scope, Buffer.from('two'));
  writer.close();
  closeSync(theirs);
  expect(readFileSync(join(dir, 'theirs'), 'utf8')).toBe('');
  expect(sum(FrameType.items)).toBe(2);
});

test('the owner of this process lives, one with another start time does not', () => {
  const owner = currentOwner(0);
  expect(ownerLives(owner, owner)).toBe(true);
  expect(ownerLives({ ...owner, start: '1' }, owner)).toBe(owner.start === null);
  expect(ownerLives({ ...owner, boot: 'another' }, owner)).toBe(owner.boot === null);
});
