import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { as, isRoot } from '../harness/users.ts';
import { removeSpool } from '../../src/spool/directory.ts';
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

  const modeOf = (dir: string): string => (statSync(dir).mode & 0o7777).toString(8);

  it('shares its parent with other runs of the user', () => {
    expect([make('a'), make('b')]).toEqual([join(base, `otel-run-${uid}`, 'a'), join(base, `otel-run-${uid}`, 'b')]);
  });

  // Skipped for other users: only root can be another one.
  it.skipIf(!isRoot)('of root lets other users write, who know its path, and nobody list or touch what is not theirs', () => {
    const umask = process.umask(0o077);
    const dir = make('a');
    process.umask(umask);
    expect([dirname(dir), dir, join(dir, 'hand-off')].map(modeOf)).toEqual(['711', '711', '3777']);
    expect(findSpoolPlace('b', { dir: base, capBytes: null })).toMatchObject({ dir: join(base, 'otel-run-0', 'b'), handOffDir: join(base, 'otel-run-0', 'b', 'hand-off') });
  });

  it.skipIf(!isRoot)('of anybody else is for that user alone', () => {
    chmodSync(base, 0o777);
    const place = as(12345, () => {
      const found = findSpoolPlace('a', { dir: base, capBytes: null })!;
      makeSpool(found.dir);
      return found;
    });
    expect(place).toMatchObject({ dir: join(base, 'otel-run-12345', 'a'), handOffDir: join(base, 'otel-run-12345', 'a') });
    expect([dirname(place.dir), place.dir].map(modeOf)).toEqual(['700', '700']);
  });

  it.skipIf(!isRoot)('passes by what somebody else has made in its name', () => {
    mkdirSync(join(base, 'otel-run-0'), { mode: 0o700 });
    chownSync(join(base, 'otel-run-0'), 1, 1);
    expect(make('a')).toBe(join(base, 'otel-run-0-a', 'a'));
  });

  it.each<[what: string, squat: (dir: string) => void]>([
    ['a link', (dir) => symlinkSync(base, dir)],
    ['a directory that others may enter', (dir) => (mkdirSync(dir), chmodSync(dir, 0o755))],
  ])('passes by %s of its name', (_, squat) => {
    squat(join(base, `otel-run-${uid}`));
    const dir = make('a');
    expect(dir).toBe(join(base, `otel-run-${uid}-a`, 'a'));
    removeSpool(dir);
    expect(existsSync(dirname(dir))).toBe(false);
  });

  it('is not made where another one is', () => {
    make('a');
    expect(() => make('a')).toThrow(/EEXIST/);
  });

  it('has no place below what is not there', () => {
    expect(findSpoolPlace('a', { dir: join(base, 'absent'), capBytes: null })).toBeNull();
  });
});
