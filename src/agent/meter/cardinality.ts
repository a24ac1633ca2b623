import type { Attributes } from '@opentelemetry/api';
import { DeltaMetricProcessor } from '@opentelemetry/sdk-metrics/build/src/state/DeltaMetricProcessor';
import { hashOf } from './attributes.ts';

/** https://opentelemetry.io/docs/specs/otel/metrics/sdk/#cardinality-limits */
export const LIMIT = 2000;
const OVERFLOW: Attributes = { 'otel.metric.overflow': true };

interface Processor {
  /** One less than the limit that is the SDK's own, of a view. */
  readonly _cardinalityLimit: number;
  /** What has been recorded since the last collection. */
  readonly _activeCollectionStorage: { get(attributes: Attributes, hash: string): { record(value: number): void } | undefined };
  record(value: number, attributes: Attributes, time: number): void;
  _known?: Set<string>;
}

let isDone = false;
let isQuick = false;

/** Before everything else that is put around it: a series that was recorded since the last collection is found by the hash that we have, where the SDK writes it anew. */
export function recordQuickly(): void {
  if (isQuick) return;
  isQuick = true;
  const prototype = DeltaMetricProcessor.prototype as unknown as Processor;
  const record = prototype.record;
  prototype.record = function (value, attributes, time) {
    const active = this._activeCollectionStorage.get(attributes, hashOf(attributes));
    if (active === undefined) record.call(this, value, attributes, time);
    else active.record(value);
  };
}

/**
 * At most 2,000 attribute sets an instrument, or what its view says, for the life of the process. The SDK's own limit is for what was recorded between
 * two collections (sdk-metrics 2.12), which are a second apart here and would let the sum grow for ever.
 */
export function limitCardinality(): void {
  if (isDone) return;
  isDone = true;
  const prototype = DeltaMetricProcessor.prototype as unknown as Processor;
  const record = prototype.record;
  prototype.record = function (value, attributes, time) {
    const known = (this._known ??= new Set());
    const hash = hashOf(attributes);
    if (!known.has(hash)) {
      if (known.size >= (Number.isFinite(this._cardinalityLimit) ? this._cardinalityLimit : LIMIT - 1)) return record.call(this, value, OVERFLOW, time);
      known.add(hash);
    }
    record.call(this, value, attributes, time);
  };
}
