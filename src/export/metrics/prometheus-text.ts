/**
 * Metrics as Prometheus reads them: the text format 0.0.4 and OpenMetrics 1.0.
 * Names and labels: https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
 */

/** `application/openmetrics-text` where the scraper asks for it. */
export type Format = 'text' | 'openmetrics';

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores',
};

/** OTLP/JSON of ExportMetricsServiceRequest, as far as it is read. */
export interface MetricsJson {
  readonly resourceMetrics?: readonly {
    readonly resource?: { readonly attributes?: Attributes };
    readonly scopeMetrics?: readonly { readonly scope?: { readonly name?: string; readonly version?: string }; readonly metrics?: readonly MetricJson[] }[];
  }[];
}

type Attributes = readonly { readonly key?: string; readonly value?: Readonly<Record<string, unknown>> }[];

interface MetricJson {
  readonly name?: string;
  readonly description?: string;
  readonly unit?: string;
  readonly gauge?: Data;
  readonly sum?: Data & { readonly isMonotonic?: boolean };
  readonly histogram?: Data;
  readonly exponentialHistogram?: Data;
}

interface Data {
  readonly dataPoints?: readonly PointJson[];
}

interface PointJson {
  readonly attributes?: Attributes;
  readonly startTimeUnixNano?: string;
  readonly asDouble?: number | string;
  readonly asInt?: string;
  readonly count?: string;
  readonly sum?: number | string;
  readonly bucketCounts?: readonly string[];
  readonly explicitBounds?: readonly number[];
  readonly scale?: number;
  readonly zeroCount?: string;
  readonly positive?: BucketsJson;
  readonly negative?: BucketsJson;
  readonly exemplars?: readonly ExemplarJson[];
}

interface ExemplarJson {
  readonly timeUnixNano?: string;
  readonly asDouble?: number | string;
  readonly asInt?: string;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly filteredAttributes?: Attributes;
}

interface BucketsJson {
  readonly offset?: number;
  readonly bucketCounts?: readonly string[];
}

type Labels = readonly (readonly [name: string, value: string])[];

interface Family {
  /** Labels of what is on the page: of series whose names fall together the first is shown. */
  readonly shown: Set<string>;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly unit: string;
  readonly lines: string[];
}

/** Each series with `job` and `instance` of its resource, which `target_info` describes: one page is for many processes. */
export function writePrometheus(request: MetricsJson, format: Format): string {
  const families = new Map<string, Family>();
  /** Names of families and samples, and whose they are. */
  const claimed = new Map([['target', 'target'], ['target_info', 'target']]);
  const targets = new Map<string, string>();
  for (const { resource, scopeMetrics = [] } of request.resourceMetrics ?? []) {
    const target = targetLabels(resource?.attributes ?? []);
    const info = `target_info${braces([...target, ...labelsOf((resource?.attributes ?? []).filter(({ key }) => !TARGET_KEYS.has(key ?? '')))])} 1`;
    targets.set(info, info);
    for (const { scope, metrics = [] } of scopeMetrics) {
      const scopeLabels: Labels = [['otel_scope_name', scope?.name ?? ''], ['otel_scope_version', scope?.version ?? '']].filter(([, value]) => value !== '') as unknown as Labels;
      for (const metric of metrics) addMetric(families, claimed, metric, [...target, ...scopeLabels], format);
    }
  }
  const blocks = [...families].map(([name, { type, help, unit, lines }]) => {
    const described = format === 'text' && type === 'counter' ? `${name}_total` : name;
    return [
      ...(help === '' ? [] : [`# HELP ${described} ${escapeHelp(help, format)}`]),
      `# TYPE ${described} ${type}`,
      ...(format === 'openmetrics' && unit !== '' ? [`# UNIT ${name} ${unit}`] : []),
      ...lines,
    ];
  });
  const about = targets.size === 0 ? [] : [...(format === 'openmetrics' ? ['# HELP target Target metadata', '# TYPE target info'] : ['# HELP target_info Target metadata', '# TYPE target_info gauge']), ...targets.values()];
  return `${[...about, ...blocks.flat(), ...(format === 'openmetrics' ? ['# EOF'] : [])].join('\n')}\n`;
}

function addMetric(families: Map<string, Family>, claimed: Map<string, string>, metric: MetricJson, common: Labels, format: Format): void {
  const data = metric.gauge ?? metric.sum ?? metric.histogram ?? metric.exponentialHistogram;
  if (data === undefined) return;
  const isCounter = metric.sum?.isMonotonic === true;
  const type = isCounter ? 'counter' : metric.histogram !== undefined || metric.exponentialHistogram !== undefined ? 'histogram' : 'gauge';
  const { name, unit } = nameOf(metric.name ?? '', metric.unit ?? '', type);
  let family = families.get(name);
  if (family === undefined) {
    const names = [name, ...SUFFIXES[type].map((suffix) => `${name}${suffix}`)];
    if (names.some((one) => claimed.has(one))) return;
    for (const one of names) claimed.set(one, name);
    families.set(name, (family = { shown: new Set(), type, help: metric.description ?? '', unit, lines: [] }));
  }
  // Two instruments of one name and different kinds cannot be on one page.
  if (family.type !== type) return;
  for (const point of data.dataPoints ?? []) {
    const labels = [...common, ...labelsOf(point.attributes ?? [])];
    const key = braces(labels);
    if (family.shown.has(key)) continue;
    family.shown.add(key);
    family.lines.push(...linesOf(name, type, point, labels, metric.exponentialHistogram !== undefined, format));
  }
}

const SUFFIXES: Readonly<Record<Family['type'], readonly string[]>> = { counter: ['_total', '_created'], gauge: [], histogram: ['_bucket', '_sum', '_count', '_created'] };

function linesOf(name: string, type: Family['type'], point: PointJson, labels: Labels, isExponential: boolean, format: Format): string[] {
  const created = format === 'openmetrics' && type !== 'gauge' && point.startTimeUnixNano !== undefined ? [`${name}_created${braces(labels)} ${Number(point.startTimeUnixNano) / 1e9}`] : [];
  const exemplars = format === 'openmetrics' ? (point.exemplars ?? []) : [];
  if (type !== 'histogram') return [`${name}${type === 'counter' ? '_total' : ''}${braces(labels)} ${number(point.asInt ?? point.asDouble ?? 0)}${type === 'counter' ? exemplarOf(exemplars, -Infinity, Infinity) : ''}`, ...created];
  const buckets = isExponential ? exponentialBuckets(point) : explicitBuckets(point);
  return [
    ...buckets.map(([bound, count], at) => `${name}_bucket${braces([...labels, ['le', format === 'openmetrics' ? floatBound(bound) : number(bound)]])} ${count}${exemplarOf(exemplars, buckets[at - 1]?.[0] ?? -Infinity, bound)}`),
    ...(point.sum === undefined ? [] : [`${name}_sum${braces(labels)} ${number(point.sum)}`]),
    `${name}_count${braces(labels)} ${Number(point.count ?? 0)}`,
    ...created,
  ];
}

/** The last one above `from` and up to `to`: a line has room for one. */
function exemplarOf(exemplars: readonly ExemplarJson[], from: number, to: number): string {
  let last: ExemplarJson | undefined;
  for (const exemplar of exemplars) {
    const value = valueOf(exemplar);
    if (value > from && value <= to && (last === undefined || Number(exemplar.timeUnixNano) >= Number(last.timeUnixNano))) last = exemplar;
  }
  if (last === undefined) return '';
  const { traceId = '', spanId = '', filteredAttributes = [], timeUnixNano = '0' } = last;
  const ids: Labels = traceId === '' ? [] : [['trace_id', traceId], ['span_id', spanId]];
  const all = [...ids, ...labelsOf(filteredAttributes)];
  const fits = all.reduce((sum, [name, value]) => sum + [...name].length + [...value].length, 0) <= EXEMPLAR_CHARACTERS;
  return ` # ${braces(fits ? all : ids) || '{}'} ${number(valueOf(last))} ${Number(timeUnixNano) / 1e9}`;
}

function valueOf({ asInt, asDouble }: ExemplarJson): number {
  return Number(asInt ?? asDouble ?? 0);
}

/** https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md#exemplars */
const EXEMPLAR_CHARACTERS = 128;

function explicitBuckets({ bucketCounts = [], explicitBounds = [], count = '0' }: PointJson): [bound: number, cumulative: number][] {
  let sum = 0;
  return [...explicitBounds.map((bound, at): [number, number] => [bound, (sum += Number(bucketCounts[at] ?? 0))]), [Infinity, Number(count)]];
}

/** The text formats have no exponential buckets: each becomes one with an upper bound. */
function exponentialBuckets({ scale = 0, zeroCount = '0', positive = {}, negative = {}, count = '0' }: PointJson): [bound: number, cumulative: number][] {
  const base = 2 ** (2 ** -scale);
  const bounds: [number, number][] = [];
  let sum = 0;
  const below = negative.bucketCounts ?? [];
  for (let at = below.length - 1; at >= 0; at--) bounds.push([-(base ** ((negative.offset ?? 0) + at)), (sum += Number(below[at]))]);
  bounds.push([0, (sum += Number(zeroCount))]);
  (positive.bucketCounts ?? []).forEach((bucket, at) => bounds.push([base ** ((positive.offset ?? 0) + at + 1), (sum += Number(bucket))]));
  return [...bounds, [Infinity, Number(count)]];
}

const UNITS: Readonly<Record<string, string>> = {
  d: 'days', h: 'hours', min: 'minutes', s: 'seconds', ms: 'milliseconds', us: 'microseconds', ns: 'nanoseconds',
  By: 'bytes', KiBy: 'kibibytes', MiBy: 'mebibytes', GiBy: 'gibibytes', KBy: 'kilobytes', MBy: 'megabytes', GBy: 'gigabytes',
  m: 'meters', V: 'volts', A: 'amperes', J: 'joules', W: 'watts', g: 'grams', Cel: 'celsius', Hz: 'hertz', '%': 'percent',
};

function nameOf(raw: string, unit: string, type: Family['type']): { name: string; unit: string } {
  const suffix = unit === '1' ? (type === 'gauge' ? 'ratio' : '') : unitName(unit);
  let name = raw.replace(/[^a-zA-Z0-9:]+/g, '_').replace(/_+$/, '');
  if (/^_*$/.test(name)) name = `metric_${[...raw].map((character) => character.codePointAt(0)!.toString(16)).join('_')}`;
  if (/^\d/.test(name)) name = `_${name}`;
  if (type === 'counter') name = name.replace(/_total$/, '');
  if (suffix !== '' && !name.endsWith(`_${suffix}`)) name = `${name}_${suffix}`;
  return { name, unit: suffix };
}

function unitName(unit: string): string {
  const [of = '', per] = unit.replace(/\{[^}]*\}/g, '').split('/');
  const word = (part: string): string => (UNITS[part] ?? part).replace(/[^a-zA-Z0-9]+/g, '_').replace(/^_+|_+$/g, '');
  if (per === undefined || per === '') return word(of);
  const single = word(per).replace(/s$/, '');
  return of === '' ? `per_${single}` : `${word(of)}_per_${single}`;
}

const TARGET_KEYS: ReadonlySet<string> = new Set(['service.name', 'service.namespace', 'service.instance.id']);

function targetLabels(attributes: Attributes): Labels {
  const find = (wanted: string): string => text(attributes.find(({ key }) => key === wanted)?.value);
  const [name, namespace, instance] = [find('service.name'), find('service.namespace'), find('service.instance.id')];
  return [
    ...(name === '' ? [] : [['job', namespace === '' ? name : `${namespace}/${name}`] as const]),
    ...(instance === '' ? [] : [['instance', instance] as const]),
  ];
}

/** Of keys that become one label, the values are joined in the order of the keys. */
function labelsOf(attributes: Attributes): Labels {
  const labels = new Map<string, string>();
  for (const { key = '', value } of [...attributes].sort((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : 1))) {
    let name = key.replace(/[^a-zA-Z0-9_]+/g, '_');
    if (/^\d/.test(name)) name = `_${name}`;
    if (RESERVED.has(name)) name = `attribute_${name}`;
    const before = labels.get(name);
    labels.set(name, before === undefined ? text(value) : `${before};${text(value)}`);
  }
  return [...labels];
}

const RESERVED: ReadonlySet<string> = new Set(['job', 'instance', 'le', 'quantile', 'otel_scope_name', 'otel_scope_version', '__name__', '']);

function text(value: Readonly<Record<string, unknown>> | undefined): string {
  if (value === undefined) return '';
  const [inner] = Object.values(value);
  return typeof inner === 'object' ? JSON.stringify(inner) : String(inner ?? '');
}

function braces(labels: Labels): string {
  return labels.length === 0 ? '' : `{${labels.map(([name, value]) => `${name}="${value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`).join(',')}}`;
}

function escapeHelp(help: string, format: Format): string {
  const plain = help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
  return format === 'openmetrics' ? plain.replace(/"/g, '\\"') : plain;
}

function number(value: number | string): string {
  const plain = Number(value);
  return plain === Infinity ? '+Inf' : plain === -Infinity ? '-Inf' : String(plain);
}

/** OpenMetrics writes bounds as floating point. */
function floatBound(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : number(bound);
}
