import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { whyNotWritable } from '../../src/launch/writable-dir.ts';

test('what cannot be made or written is known beforehand, with the reason', () => {
  const dir = mkdtempSync(join(tmpdir(), 'writable-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, 'file'), '');
  expect([whyNotWritable(dir), whyNotWritable(join(dir, 'a', 'b'))]).toEqual([null, null]);
  expect(whyNotWritable(join(dir, 'file'))).toBe(`${join(dir, 'file')} cannot be written (ENOTDIR)`);
  expect(whyNotWritable(join(dir, 'file', 'b', 'c'))).toBe(`${join(dir, 'file', 'b', 'c')} cannot be made (ENOTDIR)`);
});
