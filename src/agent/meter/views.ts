/** Views of the settings as those of the SDK. https://opentelemetry.io/docs/specs/otel/metrics/sdk/#view */
import { AggregationType, InstrumentType, type AggregationOption, type IAttributesProcessor, type MeterProvider } from '@opentelemetry/sdk-metrics';
import type { InstrumentDescriptor } from '@opentelemetry/sdk-metrics/build/src/InstrumentDescriptor';
import { View } from '@opentelemetry/sdk-metrics/build/src/view/View';
import { toAggregation } from '@opentelemetry/sdk-metrics/build/src/view/AggregationOption';
import type { ViewPlan } from '../../plan/types.ts';

type Matcher = (text: string) => boolean;

const TYPES = {
  counter: InstrumentType.COUNTER,
  gauge: InstrumentType.GAUGE,
  histogram: InstrumentType.HISTOGRAM,
  observable_counter: InstrumentType.OBSERVABLE_COUNTER,
  observable_gauge: InstrumentType.OBSERVABLE_GAUGE,
  observable_up_down_counter: InstrumentType.OBSERVABLE_UP_DOWN_COUNTER,
  up_down_counter: InstrumentType.UP_DOWN_COUNTER,
} as const;

/** Views of a provider that has no instrument yet. */
export function addViews(provider: MeterProvider, views: readonly View[]): void {
  const { viewRegistry } = (provider as unknown as { readonly _sharedState: { readonly viewRegistry: { addView(view: View): void } } })._sharedState;
  for (const view of views) viewRegistry.addView(view);
}

/** `standard` is what holds for an instrument of that type where the view does not say. */
export function createView({ selector, stream = {} }: ViewPlan, limit: number, standard: (type: InstrumentType) => AggregationOption): View {
  const { instrument_name: name, instrument_type: type } = selector;
  const { aggregation, attribute_keys: keys } = stream;
  const view = new View({
    ...(name !== undefined && { instrumentName: name }),
    ...(type !== undefined && { instrumentType: TYPES[type] }),
    ...(selector.unit !== undefined && { instrumentUnit: selector.unit }),
    ...(selector.meter_name !== undefined && { meterName: selector.meter_name }),
    ...(selector.meter_version !== undefined && { meterVersion: selector.meter_version }),
    ...(selector.meter_schema_url !== undefined && { meterSchemaUrl: selector.meter_schema_url }),
    ...(stream.name !== undefined && { name: stream.name }),
    ...(stream.description !== undefined && { description: stream.description }),
    ...(keys !== undefined && { attributesProcessors: [createFilter(keys.included, keys.excluded)] }),
    ...(aggregation !== undefined && { aggregation: aggregationOf(aggregation) }),
    aggregationCardinalityLimit: stream.aggregation_cardinality_limit ?? limit,
  });
  // The SDK's patterns (2.12) know one `*` and no `?`.
  if (name !== undefined) view.instrumentSelector.getNameFilter = () => ({ match: createMatcher([name]) });
  if (aggregation !== undefined && aggregation.default !== true) return view;
  const createAggregator = (instrument: InstrumentDescriptor) => toAggregation(standard(instrument.type)).createAggregator(instrument);
  return Object.assign(view, { aggregation: { createAggregator } });
}

function aggregationOf({ drop, sum, last_value, explicit_bucket_histogram: explicit, base2_exponential_bucket_histogram: exponential }: NonNullable<NonNullable<ViewPlan['stream']>['aggregation']>): AggregationOption {
  if (drop === true) return { type: AggregationType.DROP };
  if (sum === true) return { type: AggregationType.SUM };
  if (last_value === true) return { type: AggregationType.LAST_VALUE };
  if (explicit !== undefined) return { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries: [...(explicit.boundaries ?? BOUNDARIES)], recordMinMax: explicit.record_min_max ?? true } };
  if (exponential !== undefined) return { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize: exponential.max_size ?? 160, recordMinMax: exponential.record_min_max ?? true } };
  return { type: AggregationType.DEFAULT };
}

/** https://opentelemetry.io/docs/specs/otel/metrics/sdk/#explicit-bucket-histogram-aggregation */
const BOUNDARIES = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000];

/** What is both included and excluded is excluded. */
function createFilter(included: readonly string[] | undefined, excluded: readonly string[] = []): IAttributesProcessor {
  const isIncluded: Matcher = included === undefined ? () => true : createMatcher(included);
  const isExcluded = createMatcher(excluded);
  const known = new Map<string, boolean>();
  const isKept = (key: string): boolean => {
    let kept = known.get(key);
    if (kept === undefined) {
      kept = isIncluded(key) && !isExcluded(key);
      if (known.size < MOST_KEYS) known.set(key, kept);
    }
    return kept;
  };
  return { process: (attributes) => Object.fromEntries(Object.entries(attributes).filter(([key]) => isKept(key))) };
}

/** Keys are the application's, and need not be few. */
const MOST_KEYS = 1000;

function createMatcher(patterns: readonly string[]): Matcher {
  if (patterns.length === 0) return () => false;
  const source = patterns.map((pattern) => pattern.replace(/[\\^$.|+()[\]{}]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')).join('|');
  const expression = new RegExp(`^(?:${source})$`, 's');
  return (text) => expression.test(text);
}
