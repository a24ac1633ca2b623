/**
 * The exporter's metrics of itself, `otelrun.*`, as points like the application's own: they are exported, kept and served as
 * those are. Their resource is the application's, but for what tells processes apart.
 */
import { writeAttributes } from '../../spool/attributes.ts';
import { createWire } from '../../spool/wire.ts';
import { writeMetric, type Metric, type PointValue } from '../metrics/point.ts';
import { nanos } from '../nanos.ts';
import { lengthDelimited, splitFields, type Part } from '../request.ts';
import { ownScope } from './scope.ts';
import { EXPORT_SECONDS, type ExporterStatus } from './status.ts';

export interface OwnMetrics {
  /** Takes note of the resource of what the application hands over; the first one counts. */
  see(resource: Buffer): void;
  /** The points at this moment; null before the application is known. */
  collect(): Part | null;
  /** What the other signals deliver has been delivered: the next points are the last. */
  isFinal: boolean;
}

type Words = Readonly<Record<string, string>>;

const pairs = createWire();

/** `instance` is the `service.instance.id`. */
export function createOwnMetrics(instance: string, look: () => ExporterStatus): OwnMetrics {
  const wire = createWire();
  /** Durations are counted anew by an exporter that was started again. */
  const timedSince = nanos(Date.now());
  const scope = ownScope();
  let resource: Buffer | null = null;

  return {
    isFinal: false,
    see(theirs) {
      resource ??= withInstance(theirs, instance);
    },
    collect() {
      if (resource === null) return null;
      const status = look();
      const now = nanos(Date.now());
      const since = nanos(status.startedAt);
      const items: Buffer[] = [];
      const add = (metric: Metric, value: PointValue, words: Words = {}, start = since): void => {
        items.push(writeMetric(wire, metric, { attributes: splitFields(encode(words)).map(({ content }) => content), start, time: now, value }, 'cumulative'));
      };
      for (const { name, signal, delivered, kept, dropped, waiting, exports } of status.destinations) {
        const words = { 'otelrun.destination': name, 'otelrun.signal': signal };
        add(DELIVERED, int(delivered), words);
        add(KEPT, int(kept), words);
        for (const [reason, count] of Object.entries(dropped)) add(DROPPED, int(count), { ...words, 'otelrun.reason': reason });
        add(WAITING, int(waiting), words);
        for (const [outcome, { count, seconds, fastest, slowest, counts }] of Object.entries(exports)) {
          const value: PointValue = { kind: 'histogram', count, sum: seconds, counts, bounds: EXPORT_SECONDS, min: fastest, max: slowest };
          add(DURATION, value, outcome === 'delivered' ? words : { ...words, 'error.type': outcome }, timedSince);
        }
      }
      add(SPOOL_USAGE, int(status.spool.bytes));
      add(SPOOL_LIMIT, int(status.spool.capBytes));
      add(CPU_TIME, { kind: 'double', value: status.cpuSeconds });
      add(MEMORY_USAGE, int(status.memoryBytes));
      add(RESTARTS, int(status.restarts));
      return { resource, scope, items: Buffer.concat(items), count: items.length };
    },
  };
}

const DELIVERED = counter('otelrun.items.delivered', '{item}', 'Spans, log records and metric points that a destination has taken.');
const KEPT = counter('otelrun.items.kept', '{item}', 'Items kept on disk for a later run.');
const DROPPED = counter('otelrun.items.dropped', '{item}', 'Items lost, by reason.');
const WAITING = upDown('otelrun.items.waiting', '{item}', 'Items read from the spool and neither delivered, kept nor lost yet.');
const DURATION = metric('histogram', 'otelrun.export.duration', 's', 'Duration of export requests.');
const SPOOL_USAGE = upDown('otelrun.spool.usage', 'By', 'Bytes in the spool between application and exporter.');
const SPOOL_LIMIT = upDown('otelrun.spool.limit', 'By', 'Bytes that the spool may hold.');
const CPU_TIME = counter('otelrun.exporter.cpu.time', 's', 'Processor time of the process that the exporter runs in.');
const MEMORY_USAGE = upDown('otelrun.exporter.memory.usage', 'By', 'Resident memory of the process that the exporter runs in.');
const RESTARTS = counter('otelrun.exporter.restarts', '{restart}', 'How often the exporter failed and was started again.');

function counter(name: string, unit: string, description: string): Metric {
  return { ...metric('sum', name, unit, description), isMonotonic: true };
}

function upDown(name: string, unit: string, description: string): Metric {
  return metric('sum', name, unit, description);
}

function metric(kind: Metric['kind'], name: string, unit: string, description: string): Metric {
  const head = Buffer.concat([lengthDelimited(0x0a, Buffer.from(name)), lengthDelimited(0x12, Buffer.from(description)), lengthDelimited(0x1a, Buffer.from(unit))]);
  return { head, kind, isMonotonic: false };
}

/** What describes one process of the application alone. */
const ITS_OWN = /^(?:service\.instance\.id|process\.|thread\.|otel_run\.)/;

/** Fields of a resource group: `resource = 1` holds `attributes = 1`. Null where it is unsound. */
function withInstance(group: Buffer, instance: string): Buffer | null {
  try {
    const attributes = splitFields(group).filter(({ tag }) => tag === 0x0a).flatMap(({ content }) => attributesOf(content));
    const own = encode({ 'service.instance.id': instance, 'process.pid': process.pid });
    return lengthDelimited(0x0a, Buffer.concat([...attributes.filter(({ key }) => !ITS_OWN.test(key)).map(({ whole }) => whole), own]));
  } catch {
    return null;
  }
}

function attributesOf(resource: Buffer): { readonly key: string; readonly whole: Buffer }[] {
  return splitFields(resource).flatMap(({ tag, content, whole }) => (tag === 0x0a ? [{ key: splitFields(content).find((field) => field.tag === 0x0a)?.content.toString() ?? '', whole }] : []));
}

/** `attributes = 1` of a resource, and the like. */
function encode(attributes: object): Buffer {
  pairs.reset();
  writeAttributes(pairs, 0x0a, attributes);
  return Buffer.from(pairs.bytes());
}

function int(value: number): PointValue {
  return { kind: 'int', value: Math.round(value) };
}
