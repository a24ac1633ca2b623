import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findSpoolPlace, makeSpool, spoolCap } from '../../src/launch/spool-place.ts';

const MiB = 1024 * 1024;

describe('spoolCap', () => {
  it.each<[free: number, limit: number | null, wished: number | null, cap: number]>([
    [10_000 * MiB, null, null, 64 * MiB],
    [100 * MiB, null, null, 25 * MiB],
    [10_000 * MiB, 512 * MiB, null, 32 * MiB],
    [10_000 * MiB, null, 8 * MiB, 8 * MiB],
    [10_000 * MiB, null, 500 * MiB, 64 * MiB],
    [100 * MiB, 160 * MiB, 20 * MiB, 10 * MiB],
  ])('%i free, limit %s, wished %s', (free, limit, wished, cap) => {
    expect(spoolCap(free, limit, wished)).toBe(cap);
  });
});

describe('the spool', () => {
  let base: string;
  const uid = process.getuid!();
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'otel-run-spool-'));
  });
  afterEach(() => rmSync(base, { recursive: true }));
  const make = (run: string): string => {
    const place = findSpoolPlace(run, { dir: base, capBytes: null })!;
    makeSpool(place.dir);
    return place.dir;
  };

  it('is for this user alone, and shares its parent with other runs of the user', () => {
    const dirs = [make('a'), make('b')];
    expect(dirs).toEqual([join(base, `otel-run-${uid}`, 'a'), join(base, `otel-run-${uid}`, 'b')]);
    for (const dir of [...dirs, join(base, `otel-run-${uid}`)]) expect(statSync(dir).mode & 0o777).toBe(0o700);
  });

  it.each<[what: string, squat: (dir: string) => void]>([
    ['a link', (dir) => symlinkSync(base, dir)],
    ['a directory that others may enter', (dir) => (mkdirSync(dir), chmodSync(dir, 0o755))],
  ])('passes by %s of its name', (_, squat) => {
    squat(join(base, `otel-run-${uid}`));
    expect(make('a')).toBe(join(base, `otel-run-${uid}-a`, 'a'));
  });

  it('is not made where another one is', () => {
    make('a');
    expect(() => make('a')).toThrow(/EEXIST/);
  });

  it('has no place below what is not there', () => {
    expect(findSpoolPlace('a', { dir: join(base, 'absent'), capBytes: null })).toBeNull();
  });
});
