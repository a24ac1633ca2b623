/**
 * The OTLP messages as one table, field number by field number
 * (https://github.com/open-telemetry/opentelemetry-proto, 1.10): what {@link readMessage} reads by, and the names that
 * OTLP/JSON uses. Names of types are ours; those of fields are the specification's, in lowerCamelCase.
 */

/** How the bytes of a scalar field are read. `id` is a trace or span id: bytes that OTLP/JSON writes as hex. */
export type Scalar =
  | 'string'
  | 'bytes'
  | 'id'
  | 'bool'
  | 'enum'
  | 'int32'
  | 'uint32'
  | 'sint32'
  | 'int64'
  | 'uint64'
  | 'fixed32'
  | 'fixed64'
  | 'sfixed64'
  | 'double';

export interface Field {
  readonly name: string;
  readonly type: Scalar | MessageTable;
  readonly repeated: boolean;
  /** Fields of one message that exclude each other: the one that comes last counts. */
  readonly oneof: readonly string[] | null;
}

export interface MessageTable {
  readonly title: string;
  readonly fields: ReadonlyMap<number, Field>;
}

const message = (title: string, fields: Record<number, Field>): MessageTable => ({
  title,
  fields: new Map(Object.entries(fields).map(([number, field]) => [Number(number), field])),
});
const one = (name: string, type: Field['type']): Field => ({ name, type, repeated: false, oneof: null });
const many = (name: string, type: Field['type']): Field => ({ name, type, repeated: true, oneof: null });
const either = (fields: Record<number, Field>): Record<number, Field> => {
  const names = Object.values(fields).map((field) => field.name);
  return Object.fromEntries(Object.entries(fields).map(([number, field]) => [number, { ...field, oneof: names }]));
};

/** Leaves out everything but the named fields: what is left out costs no more than being passed over. */
export function only(table: MessageTable, names: readonly string[], inner: Readonly<Record<string, MessageTable>> = {}): MessageTable {
  const fields = new Map<number, Field>();
  for (const [number, field] of table.fields) {
    if (names.includes(field.name)) fields.set(number, { ...field, type: inner[field.name] ?? field.type });
  }
  return { title: table.title, fields };
}

// AnyValue holds itself: its map is filled when the two lists exist.
const anyValueFields = new Map<number, Field>();
export const anyValue: MessageTable = { title: 'AnyValue', fields: anyValueFields };
const keyValue = message('KeyValue', { 1: one('key', 'string'), 2: one('value', anyValue), 3: one('keyStrindex', 'int32') });
const valueFields = either({
  1: one('stringValue', 'string'),
  2: one('boolValue', 'bool'),
  3: one('intValue', 'int64'),
  4: one('doubleValue', 'double'),
  5: one('arrayValue', message('ArrayValue', { 1: many('values', anyValue) })),
  6: one('kvlistValue', message('KeyValueList', { 1: many('values', keyValue) })),
  7: one('bytesValue', 'bytes'),
  8: one('stringValueStrindex', 'int32'),
});
for (const [number, field] of Object.entries(valueFields)) anyValueFields.set(Number(number), field);

const scope = message('InstrumentationScope', {
  1: one('name', 'string'),
  2: one('version', 'string'),
  3: many('attributes', keyValue),
  4: one('droppedAttributesCount', 'uint32'),
});

const resource = message('Resource', {
  1: many('attributes', keyValue),
  2: one('droppedAttributesCount', 'uint32'),
  3: many(
    'entityRefs',
    message('EntityRef', { 1: one('schemaUrl', 'string'), 2: one('type', 'string'), 3: many('idKeys', 'string'), 4: many('descriptionKeys', 'string') }),
  ),
});

export const span = message('Span', {
  1: one('traceId', 'id'),
  2: one('spanId', 'id'),
  3: one('traceState', 'string'),
  4: one('parentSpanId', 'id'),
  5: one('name', 'string'),
  6: one('kind', 'enum'),
  7: one('startTimeUnixNano', 'fixed64'),
  8: one('endTimeUnixNano', 'fixed64'),
  9: many('attributes', keyValue),
  10: one('droppedAttributesCount', 'uint32'),
  11: many(
    'events',
    message('Span.Event', {
      1: one('timeUnixNano', 'fixed64'),
      2: one('name', 'string'),
      3: many('attributes', keyValue),
      4: one('droppedAttributesCount', 'uint32'),
    }),
  ),
  12: one('droppedEventsCount', 'uint32'),
  13: many(
    'links',
    message('Span.Link', {
      1: one('traceId', 'id'),
      2: one('spanId', 'id'),
      3: one('traceState', 'string'),
      4: many('attributes', keyValue),
      5: one('droppedAttributesCount', 'uint32'),
      6: one('flags', 'fixed32'),
    }),
  ),
  14: one('droppedLinksCount', 'uint32'),
  15: one('status', message('Status', { 2: one('message', 'string'), 3: one('code', 'enum') })),
  16: one('flags', 'fixed32'),
});

const exemplar = message('Exemplar', {
  7: many('filteredAttributes', keyValue),
  2: one('timeUnixNano', 'fixed64'),
  ...either({ 3: one('asDouble', 'double'), 6: one('asInt', 'sfixed64') }),
  4: one('spanId', 'id'),
  5: one('traceId', 'id'),
});

const numberDataPoint = message('NumberDataPoint', {
  7: many('attributes', keyValue),
  2: one('startTimeUnixNano', 'fixed64'),
  3: one('timeUnixNano', 'fixed64'),
  ...either({ 4: one('asDouble', 'double'), 6: one('asInt', 'sfixed64') }),
  5: many('exemplars', exemplar),
  8: one('flags', 'uint32'),
});

const histogramDataPoint = message('HistogramDataPoint', {
  9: many('attributes', keyValue),
  2: one('startTimeUnixNano', 'fixed64'),
  3: one('timeUnixNano', 'fixed64'),
  4: one('count', 'fixed64'),
  5: one('sum', 'double'),
  6: many('bucketCounts', 'fixed64'),
  7: many('explicitBounds', 'double'),
  8: many('exemplars', exemplar),
  10: one('flags', 'uint32'),
  11: one('min', 'double'),
  12: one('max', 'double'),
});

const buckets = message('Buckets', { 1: one('offset', 'sint32'), 2: many('bucketCounts', 'uint64') });

const exponentialHistogramDataPoint = message('ExponentialHistogramDataPoint', {
  1: many('attributes', keyValue),
  2: one('startTimeUnixNano', 'fixed64'),
  3: one('timeUnixNano', 'fixed64'),
  4: one('count', 'fixed64'),
  5: one('sum', 'double'),
  6: one('scale', 'sint32'),
  7: one('zeroCount', 'fixed64'),
  8: one('positive', buckets),
  9: one('negative', buckets),
  10: one('flags', 'uint32'),
  11: many('exemplars', exemplar),
  12: one('min', 'double'),
  13: one('max', 'double'),
  14: one('zeroThreshold', 'double'),
});

const summaryDataPoint = message('SummaryDataPoint', {
  7: many('attributes', keyValue),
  2: one('startTimeUnixNano', 'fixed64'),
  3: one('timeUnixNano', 'fixed64'),
  4: one('count', 'fixed64'),
  5: one('sum', 'double'),
  6: many('quantileValues', message('ValueAtQuantile', { 1: one('quantile', 'double'), 2: one('value', 'double') })),
  8: one('flags', 'uint32'),
});

const metric = message('Metric', {
  1: one('name', 'string'),
  2: one('description', 'string'),
  3: one('unit', 'string'),
  ...either({
    5: one('gauge', message('Gauge', { 1: many('dataPoints', numberDataPoint) })),
    7: one(
      'sum',
      message('Sum', { 1: many('dataPoints', numberDataPoint), 2: one('aggregationTemporality', 'enum'), 3: one('isMonotonic', 'bool') }),
    ),
    9: one('histogram', message('Histogram', { 1: many('dataPoints', histogramDataPoint), 2: one('aggregationTemporality', 'enum') })),
    10: one(
      'exponentialHistogram',
      message('ExponentialHistogram', { 1: many('dataPoints', exponentialHistogramDataPoint), 2: one('aggregationTemporality', 'enum') }),
    ),
    11: one('summary', message('Summary', { 1: many('dataPoints', summaryDataPoint) })),
  }),
  12: many('metadata', keyValue),
});

const logRecord = message('LogRecord', {
  1: one('timeUnixNano', 'fixed64'),
  11: one('observedTimeUnixNano', 'fixed64'),
  2: one('severityNumber', 'enum'),
  3: one('severityText', 'string'),
  5: one('body', anyValue),
  6: many('attributes', keyValue),
  7: one('droppedAttributesCount', 'uint32'),
  8: one('flags', 'fixed32'),
  9: one('traceId', 'id'),
  10: one('spanId', 'id'),
  12: one('eventName', 'string'),
});

/** Request, resource level, scope level and item of the three signals have the same shape and the same numbers. */
function request(signal: 'Trace' | 'Metrics' | 'Logs', [resources, scopes, items]: [string, string, string], item: MessageTable): MessageTable {
  const scopeLevel = message(titleOf(scopes), { 1: one('scope', scope), 2: many(items, item), 3: one('schemaUrl', 'string') });
  const resourceLevel = message(titleOf(resources), { 1: one('resource', resource), 2: many(scopes, scopeLevel), 3: one('schemaUrl', 'string') });
  return message(`Export${signal}ServiceRequest`, { 1: many(resources, resourceLevel) });
}

/** `scopeSpans` holds messages of the type `ScopeSpans`. */
function titleOf(field: string): string {
  return field.charAt(0).toUpperCase() + field.slice(1);
}

export const traceRequest = (item: MessageTable = span): MessageTable => request('Trace', ['resourceSpans', 'scopeSpans', 'spans'], item);

export const requests = {
  traces: traceRequest(),
  metrics: request('Metrics', ['resourceMetrics', 'scopeMetrics', 'metrics'], metric),
  logs: request('Logs', ['resourceLogs', 'scopeLogs', 'logRecords'], logRecord),
} as const;
