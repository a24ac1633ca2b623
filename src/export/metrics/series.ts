/**
 * The last point of every series of a run, and what is exported of them. Writers of one series (threads and processes whose
 * resource is the same in every attribute) are put together, for a stream has one writer
 * (https://opentelemetry.io/docs/specs/otel/metrics/data-model/#single-writer).
 */
import { createWire } from '../../spool/wire.ts';
import { splitFields, type Part } from '../request.ts';
import { add, subtract } from './arithmetic.ts';
import { readMetric, writeMetric, type Metric, type Point, type Temporality } from './point.ts';

export interface SeriesStore {
  /** Takes the snapshots of a writer in. Throws where they are unsound, with those before taken. */
  take(part: Part, writer: string): void;
  /** This writer will tell nothing more. Its series are exported once more, and forgotten. */
  end(writer: string): void;
  /** Something has come that no export has had. */
  readonly isDirty: boolean;
  /** The points of all series at this time (nanoseconds), one Metric each. */
  export(time: bigint): Part[];
}

interface Series {
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
}

export function createSeriesStore({ temporality, takenOverAt }: SeriesOptions): SeriesStore {
  const wire = createWire();
  const all = new Map<string, Series>();
  /** Writers that have ended and whose points are still wanted. */
  let ended = new Set<string>();
  let isDirty = false;

  const store: SeriesStore = {
    get isDirty() {
      return isDirty;
    },
    take(part, writer) {
      ended.delete(writer);
      for (const { content } of splitFields(part.items)) {
        const { metric, point } = readMetric(content);
        const key = [part.resource, part.scope, metric.head, ...point.attributes].map((bytes) => bytes.toString('latin1')).join('\u0000') + metric.kind;
        let series = all.get(key);
        if (series === undefined) {
          series = { resource: part.resource, scope: part.scope, metric: { ...metric, head: Buffer.from(metric.head) }, points: new Map(), isNew: true, toldAt: 0n, exported: null };
          if (temporality === 'delta' && takenOverAt !== null && point.start < takenOverAt) series.exported = point;
          all.set(key, series);
        }
        series.points.set(writer, point);
        series.isNew = true;
        isDirty = true;
      }
    },
    end(writer) {
      ended.add(writer);
    },
    export(time) {
      isDirty = false;
      const stillWanted = new Set<string>();
      const parts: Part[] = [];
      for (const [key, series] of all) {
        const point = forward(series, together(series, time));
        const told = point === null ? null : temporality === 'delta' && isAccumulated(series.metric) ? delta(series, point) : point;
        if (told !== null) {
          const kind = temporality === 'delta' && isAccumulated(series.metric) ? 'delta' : 'cumulative';
          parts.push({ resource: series.resource, scope: series.scope, items: writeMetric(wire, series.metric, told, kind), count: 1 });
        }
        series.isNew = false;
        if (!retire(series)) all.delete(key);
        else for (const writer of series.points.keys()) if (ended.has(writer)) stillWanted.add(writer);
      }
      ended = stillWanted;
      return parts;
    },
  };
  return store;

  /** Of a writer that lives the last value still holds now; one that has ended held it until then. */
  function together({ metric, points }: Series, now: bigint): Point | null {
    let sum: Point | null = null;
    for (const [writer, point] of points) {
      const at = ended.has(writer) ? point : { ...point, time: now > point.time ? now : point.time };
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
    series.exported = point;
    if (exported === null) return point;
    return { ...point, start: exported.time, value: subtract(point.value, exported.value), exemplars: (point.exemplars ?? []).filter(({ time }) => time > exported.time) };
  }

  /** False where no writer of the series is left. What the ended ones had counted stays as long as others go on with it. */
  function retire({ metric, points }: Series): boolean {
    if ([...points.keys()].every((writer) => ended.has(writer))) return false;
    if (!isAccumulated(metric)) for (const writer of [...points.keys()]) if (ended.has(writer)) points.delete(writer);
    return true;
  }
}

function isAccumulated({ kind, isMonotonic }: Metric): boolean {
  return kind === 'histogram' || kind === 'exponential' || isMonotonic;
}
