/**
 * The last point of every series of a run, and what is exported of them. Writers of one series (threads and processes whose
 * resource is the same in every attribute) are put together, for a stream has one writer
 * (https://opentelemetry.io/docs/specs/otel/metrics/data-model/#single-writer).
 */
import { createWire } from '../../spool/wire.ts';
import { splitFields, type Part } from '../request.ts';
import { add, subtract } from './arithmetic.ts';
import { readMetric, writeMetric, type Metric, type Point, type PointValue, type Temporality } from './point.ts';

export interface SeriesStore {
  /** Takes the snapshots of a writer in. Throws where they are unsound, with those before taken. */
  take(part: Part, writer: string): void;
  /** This writer will tell nothing more since that time (nanoseconds). Its series are exported once more, and forgotten. */
  end(writer: string, time: bigint): void;
  /** Something has come that no export has had. */
  readonly isDirty: boolean;
  /** The points of all series at this time (nanoseconds), one Metric each. */
  export(time: bigint): Part[];
  /** The points of all series as they stand, cumulative, for whoever comes and as often as they come. */
  look(time: bigint): Part[];
}

interface Series {
  readonly place: number;
  readonly resource: Buffer;
  readonly scope: Buffer;
  readonly metric: Metric;
  /** The last point of each writer. */
  readonly points: Map<string, Point>;
  isNew: boolean;
  /** Time of the last export of it: a stream does not go back. */
  toldAt: bigint;
  /** Of a delta: what the last export had. */
  exported: Point | null;
}

export interface SeriesOptions {
  readonly temporality: Temporality;
  /** Nanoseconds: of series that began earlier another exporter of this run has sent the first part, as deltas. */
  readonly takenOverAt: bigint | null;
  /** Somebody comes to {@link SeriesStore.look}: what has ended stays for a while, for all who come. */
  readonly lingers?: boolean;
  /** Called now and then in what may take long. */
  onProgress?(): void;
}

/** So long, in nanoseconds, what has ended can be looked at, and is told apart from others that have. */
const LINGER = 300_000_000_000n;
/** All those together that have ended long ago. */
const FOLDED = '';
const PROGRESS_EVERY = 500;

export function createSeriesStore({ temporality, takenOverAt, lingers = false, onProgress = () => {} }: SeriesOptions): SeriesStore {
  const wire = createWire();
  const all = new Map<string, Series>();
  /** Writers that have ended and whose points are still wanted, and when they did. */
  let ended = new Map<string, bigint>();
  let isDirty = false;
  /** Numbers of resources with their scopes. */
  const places = new Map<string, number>();
  let nextPlace = 0;
  const hasEnded = (writer: string): boolean => writer === FOLDED || ended.has(writer);
  const isLongAgo = (writer: string, now: bigint): boolean => writer === FOLDED || now - ended.get(writer)! > LINGER;

  const store: SeriesStore = {
    get isDirty() {
      return isDirty;
    },
    take(part, writer) {
      ended.delete(writer);
      onProgress();
      const place = placeOf(part);
      for (const { content } of splitFields(part.items)) {
        const { metric, point } = readMetric(content);
        const key = `${place} ${metric.kind} ${[metric.head, ...point.attributes].map((bytes) => bytes.toString('latin1')).join('\u0000')}`;
        let series = all.get(key);
        if (series === undefined) {
          series = { place, resource: part.resource, scope: part.scope, metric: { ...metric, head: Buffer.from(metric.head) }, points: new Map(), isNew: true, toldAt: 0n, exported: null };
          if (temporality === 'delta' && takenOverAt !== null && point.start < takenOverAt) series.exported = point;
          all.set(key, series);
        }
        series.points.set(writer, point);
        series.isNew = true;
        isDirty = true;
      }
    },
    end(writer, time) {
      ended.set(writer, time);
    },
    export(time) {
      isDirty = false;
      const stillWanted = new Map<string, bigint>();
      const parts: Part[] = [];
      let done = 0;
      for (const [key, series] of all) {
        if (++done % PROGRESS_EVERY === 0) onProgress();
        const point = forward(series, together(series, time));
        const told = point === null ? null : temporality === 'delta' && isAccumulated(series.metric) ? delta(series, point) : point;
        if (told !== null) {
          const kind = temporality === 'delta' && isAccumulated(series.metric) ? 'delta' : 'cumulative';
          parts.push({ resource: series.resource, scope: series.scope, items: writeMetric(wire, series.metric, told, kind), count: 1 });
        }
        series.isNew = false;
        if (!retire(series, time)) all.delete(key);
        else for (const writer of series.points.keys()) if (ended.has(writer)) stillWanted.set(writer, ended.get(writer)!);
      }
      ended = stillWanted;
      const used = new Set([...all.values()].map(({ place }) => place));
      for (const [name, place] of places) if (!used.has(place)) places.delete(name);
      return parts;
    },
    look(time) {
      return [...all.values()].flatMap((series) => {
        const point = together(series, time);
        return point === null ? [] : [{ resource: series.resource, scope: series.scope, items: writeMetric(wire, series.metric, point, 'cumulative'), count: 1 }];
      });
    },
  };
  return store;

  /** A resource is long, and that of very many series. */
  function placeOf({ resource, scope }: Part): number {
    const name = `${resource.toString('latin1')}\u0000${scope.toString('latin1')}`;
    let place = places.get(name);
    if (place === undefined) places.set(name, (place = nextPlace++));
    return place;
  }

  /** Of a writer that lives the last value still holds now; one that has ended held it until then. */
  function together({ metric, points }: Series, now: bigint): Point | null {
    let sum: Point | null = null;
    for (const [writer, point] of points) {
      const at = hasEnded(writer) ? point : { ...point, time: now > point.time ? now : point.time };
      if (sum === null) sum = at;
      else if (metric.kind === 'gauge') sum = at.time >= sum.time ? at : sum;
      else sum = { attributes: at.attributes, start: at.start < sum.start ? at.start : sum.start, time: at.time > sum.time ? at.time : sum.time, value: add(sum.value, at.value), exemplars: [...(sum.exemplars ?? []), ...(at.exemplars ?? [])] };
    }
    return sum;
  }

  /** An ended writer's last word may be from before the last export, or have been in it. */
  function forward(series: Series, point: Point | null): Point | null {
    if (point === null || (point.time <= series.toldAt && !series.isNew)) return null;
    const told = point.time > series.toldAt ? point : { ...point, time: series.toldAt + 1n };
    series.toldAt = told.time;
    return told;
  }

  function delta(series: Series, point: Point): Point | null {
    const { exported } = series;
    if (!series.isNew) return null;
    // All series are told at the end, and each minute.
    if (exported !== null && isSame(point.value, exported.value)) return null;
    series.exported = point;
    if (exported === null) return point;
    return { ...point, start: exported.time, value: subtract(point.value, exported.value), exemplars: (point.exemplars ?? []).filter(({ time }) => time > exported.time) };
  }

  /** False where no writer of the series is left. What the ended ones had counted stays as long as others go on with it. */
  function retire({ metric, points }: Series, now: bigint): boolean {
    const writers = [...points.keys()];
    if (writers.every(hasEnded)) return lingers && writers.some((writer) => !isLongAgo(writer, now));
    for (const writer of writers) {
      if (!hasEnded(writer) || writer === FOLDED) continue;
      if (isAccumulated(metric) ? isLongAgo(writer, now) : !lingers || isLongAgo(writer, now)) {
        if (isAccumulated(metric)) fold(points, points.get(writer)!);
        points.delete(writer);
      }
    }
    return true;
  }
}

/** Threads and workers come and go: of those that have gone one point is left. */
function fold(points: Map<string, Point>, gone: Point): void {
  const before = points.get(FOLDED);
  points.set(FOLDED, before === undefined ? gone : { ...gone, start: before.start < gone.start ? before.start : gone.start, time: before.time > gone.time ? before.time : gone.time, value: add(before.value, gone.value) });
}

function isSame(one: PointValue, other: PointValue): boolean {
  return 'value' in one && 'value' in other ? one.value === other.value : 'count' in one && 'count' in other && one.count === other.count && one.sum === other.sum;
}

function isAccumulated({ kind, isMonotonic }: Metric): boolean {
  return kind === 'histogram' || kind === 'exponential' || isMonotonic;
}
