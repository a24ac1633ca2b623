import { describe, expect, test } from 'vitest';
import { readMetric, writeMetric, type Metric, type Point, type PointValue } from '../../../src/export/metrics/point.ts';
import { createSeriesStore } from '../../../src/export/metrics/series.ts';
import { splitFields, type Part } from '../../../src/export/request.ts';
import { createWire } from '../../../src/spool/wire.ts';

const wire = createWire();
const text = (tag: number, value: string): Buffer => Buffer.from([tag, value.length, ...Buffer.from(value)]);
const counter: Metric = { head: text(0x0a, 'calls'), kind: 'sum', isMonotonic: true };
const level: Metric = { head: text(0x0a, 'level'), kind: 'gauge', isMonotonic: false };
const open: Metric = { head: text(0x0a, 'open'), kind: 'sum', isMonotonic: false };

const point = (value: number, time: bigint, attributes = ['a']): Point => ({ attributes: attributes.map((name) => text(0x0a, name)), start: 1n, time, value: { kind: 'int', value } });
const part = (metric: Metric, ...points: Point[]): Part => ({ resource: text(0x0a, 'r'), scope: text(0x0a, 's'), items: Buffer.concat(points.map((one) => writeMetric(wire, metric, one, 'cumulative'))), count: points.length });
const told = (parts: readonly Part[]): [value: number, start: bigint, time: bigint][] =>
  parts.map(({ items }) => {
    const { start, time, value } = readMetric(splitFields(items)[0]!.content).point;
    return [(value as PointValue & { kind: 'int' }).value, start, time];
  });

/** Times of the exemplars of each point. */
const exemplars = (parts: readonly Part[]): bigint[][] => parts.map(({ items }) => (readMetric(splitFields(items)[0]!.content).point.exemplars ?? []).map(({ time }) => time));
const exemplar = (time: bigint) => {
  const bytes = Buffer.alloc(9, 0x11);
  bytes.writeBigUInt64LE(time, 1);
  return { time, bytes };
};

const cumulative = { temporality: 'cumulative', takenOverAt: null } as const;
const delta = { temporality: 'delta', takenOverAt: null } as const;

describe('a series', () => {
  test('is told with its last value, at the time of the export, each time', () => {
    const store = createSeriesStore(cumulative);
    store.take(part(counter, point(1, 10n), point(4, 20n)), 'w');
    expect(told(store.export(100n))).toEqual([[4, 1n, 100n]]);
    expect(told(store.export(200n))).toEqual([[4, 1n, 200n]]);
  });

  test('has the exemplars of all its writers, and as a delta those since the last export', () => {
    const first = { ...point(4, 20n), exemplars: [exemplar(11n), exemplar(12n)] };
    const later = { ...point(6, 120n), exemplars: [exemplar(11n), exemplar(115n)] };
    for (const [options, second] of [[cumulative, [11n, 115n]], [delta, [115n]]] as const) {
      const store = createSeriesStore(options);
      store.take(part(counter, first), 'w');
      expect(exemplars(store.export(100n))).toEqual([[11n, 12n]]);
      store.take(part(counter, later), 'w');
      expect(exemplars(store.export(200n))).toEqual([[...second]]);
    }
    const store = createSeriesStore(cumulative);
    store.take(part(counter, first), 'v');
    store.take(part(counter, later), 'w');
    expect(exemplars(store.export(200n))).toEqual([[11n, 12n, 11n, 115n]]);
  });

  test('whose writer has ended is told once more, as of then', () => {
    const store = createSeriesStore(cumulative);
    store.take(part(counter, point(4, 20n)), 'w');
    store.end('w', 50n);
    expect(told(store.export(100n))).toEqual([[4, 1n, 20n]]);
    expect(store.export(200n)).toEqual([]);
  });

  test('is not told again where its writer has ended behind the last export, and never goes back in time', () => {
    const store = createSeriesStore(cumulative);
    store.take(part(counter, point(4, 20n)), 'w');
    store.take(part(counter, point(1, 20n, ['b'])), 'w');
    expect(told(store.export(100n))).toEqual([[4, 1n, 100n], [1, 1n, 100n]]);
    store.take(part(counter, point(5, 90n)), 'w');
    store.end('w', 50n);
    expect(told(store.export(200n))).toEqual([[5, 1n, 101n]]);
  });

  test('of a writer that was thought to have ended goes on where it was', () => {
    const store = createSeriesStore(cumulative);
    store.take(part(counter, point(4, 20n)), 'w');
    store.take(part(counter, point(1, 20n)), 'v');
    store.end('w', 50n);
    expect(told(store.export(100n))).toEqual([[5, 1n, 100n]]);
    store.take(part(counter, point(6, 120n)), 'w');
    expect(told(store.export(200n))).toEqual([[7, 1n, 200n]]);
  });

  test('of several writers is one: counts add up, and stay when one has ended', () => {
    const store = createSeriesStore(cumulative);
    store.take(part(counter, point(4, 20n)), 'w');
    store.take(part(counter, point(3, 30n)), 'v');
    expect(told(store.export(100n))).toEqual([[7, 1n, 100n]]);
    store.end('w', 50n);
    expect(told(store.export(200n))).toEqual([[7, 1n, 200n]]);
    expect(told(store.export(300n))).toEqual([[7, 1n, 300n]]);
  });

  test('that says how much there is loses what an ended writer had', () => {
    const store = createSeriesStore(cumulative);
    store.take(part(open, point(4, 20n)), 'w');
    store.take(part(open, point(3, 30n)), 'v');
    store.end('w', 50n);
    expect(told(store.export(100n))).toEqual([[7, 1n, 100n]]);
    expect(told(store.export(200n))).toEqual([[3, 1n, 200n]]);
  });

  test('of a gauge has the value that came last', () => {
    const store = createSeriesStore(cumulative);
    store.take(part(level, point(4, 50n)), 'w');
    store.take(part(level, point(9, 30n)), 'v');
    expect(told(store.export(0n))).toEqual([[4, 1n, 50n]]);
  });

  test('of writers that have ended long ago are one point, and count on', () => {
    const minutes = (count: number): bigint => BigInt(count) * 60_000_000_000n;
    const store = createSeriesStore(cumulative);
    store.take(part(counter, point(1, 10n)), 'lives');
    for (let n = 0; n < 5; n++) {
      store.take(part(counter, point(10, 20n)), `w${n}`);
      store.end(`w${n}`, minutes(n));
      expect(told(store.export(minutes(n) + 100n)).map(([value]) => value)).toEqual([11 + 10 * n]);
    }
    // Those that ended less than five minutes ago may still have been thought to.
    expect(told(store.export(minutes(8))).map(([value]) => value)).toEqual([51]);
    store.take(part(counter, point(12, minutes(8))), 'w4');
    expect(told(store.export(minutes(20))).map(([value]) => value)).toEqual([53]);
    expect(told(store.export(minutes(30))).map(([value]) => value)).toEqual([53]);
    store.end('lives', minutes(31));
    store.end('w4', minutes(31));
    store.export(minutes(31));
    expect(store.export(minutes(32))).toEqual([]);
  });

  test('can be looked at by as many as come, for a while after its writer has ended', () => {
    const minutes = (count: number): bigint => BigInt(count) * 60_000_000_000n;
    const store = createSeriesStore({ ...cumulative, lingers: true });
    store.take(part(counter, point(4, 20n)), 'w');
    store.take(part(level, point(9, 20n)), 'w');
    store.end('w', 50n);
    for (const time of [100n, 200n, minutes(4)]) {
      expect(told(store.look(time)).map(([value]) => value)).toEqual([4, 9]);
      store.export(time);
    }
    store.export(minutes(6));
    expect(store.look(minutes(6))).toEqual([]);
  });

  test('is told apart by its attributes', () => {
    const store = createSeriesStore(cumulative);
    store.take(part(counter, point(1, 10n, ['a']), point(2, 10n, ['b']), point(3, 10n, [])), 'w');
    expect(told(store.export(100n)).map(([value]) => value)).toEqual([1, 2, 3]);
  });
});

describe('as deltas', () => {
  test('a counter is told by what is new, from one export to the next; a level as it is', () => {
    const store = createSeriesStore(delta);
    store.take(part(counter, point(4, 20n)), 'w');
    store.take(part(level, point(9, 20n)), 'w');
    expect(told(store.export(100n))).toEqual([[4, 1n, 100n], [9, 1n, 100n]]);
    expect(told(store.export(200n))).toEqual([[9, 1n, 200n]]);
    store.take(part(counter, point(7, 250n)), 'w');
    expect(told(store.export(300n))).toEqual([[3, 100n, 300n], [9, 1n, 300n]]);
    // At the end everything is told once more.
    store.take(part(counter, point(7, 350n)), 'w');
    expect(told(store.export(400n))).toEqual([[9, 1n, 400n]]);
    store.take(part(counter, point(8, 450n)), 'w');
    expect(told(store.export(500n))).toEqual([[1, 300n, 500n], [9, 1n, 500n]]);
  });

  test('what another exporter of this run has told is not told again', () => {
    const store = createSeriesStore({ temporality: 'delta', takenOverAt: 15n });
    store.take(part(counter, point(40, 20n)), 'w');
    store.take(part(counter, point(45, 30n)), 'w');
    expect(told(store.export(100n))).toEqual([[5, 20n, 100n]]);
  });
});

test('unsound bytes are refused', () => {
  const sound = part(counter, point(1, 10n)).items;
  for (let at = 2; at < sound.length; at++) {
    const broken = Buffer.from(sound);
    broken[at] = 0xff;
    try {
      createSeriesStore(cumulative).take({ ...part(counter), items: broken }, 'w');
    } catch (error) {
      expect((error as Error).message).toMatch(/unsound|without|out of range|outside/);
    }
  }
});
