import { describe, expect, test } from 'vitest';
import { writePrometheus, type Format, type MetricsJson } from '../../../src/export/metrics/prometheus-text.ts';

type MetricJson = NonNullable<NonNullable<NonNullable<MetricsJson['resourceMetrics']>[number]['scopeMetrics']>[number]['metrics']>[number];
const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const page = (metrics: MetricJson[], format: Format = 'text', resource = [attribute('service.name', 'shop')]): string[] =>
  writePrometheus({ resourceMetrics: [{ resource: { attributes: resource }, scopeMetrics: [{ scope: { name: 'lib', version: '1.0' }, metrics }] }] }, format).split('\n');
const sample = (metric: MetricJson, format?: Format): string => page([metric], format).find((line) => !line.startsWith('#') && !line.startsWith('target_info'))!.replace(/\{.*\}/, '');
const gauge = (name: string, unit: string): MetricJson => ({ name, unit, gauge: { dataPoints: [{ asDouble: 1 }] } });
const counter = (name: string, unit: string): MetricJson => ({ name, unit, sum: { isMonotonic: true, dataPoints: [{ asInt: '1' }] } });

describe('names', () => {
  test.each<[metric: MetricJson, line: string]>([
    [gauge('process.memory.usage', 'By'), 'process_memory_usage_bytes 1'],
    [gauge('load', '1'), 'load_ratio 1'],
    [gauge('open', '{connection}'), 'open 1'],
    [gauge('speed', 'm/s'), 'speed_meters_per_second 1'],
    [gauge('rate', '{request}/s'), 'rate_per_second 1'],
    [gauge('1st', ''), '_1st 1'],
    [gauge('日本', ''), 'metric_65e5_672c 1'],
    [counter('°', 's'), 'metric_b0_seconds_total 1'],
    [gauge('a..b//c', ''), 'a_b_c 1'],
    [gauge('took_seconds', 's'), 'took_seconds 1'],
    [counter('calls', '1'), 'calls_total 1'],
    [counter('calls.total', '{call}'), 'calls_total 1'],
    [counter('process.cpu.time', 's'), 'process_cpu_time_seconds_total 1'],
    [{ name: 'open', unit: '', sum: { dataPoints: [{ asInt: '-3' }] } }, 'open -3'],
    [{ name: 'odd', unit: '', gauge: { dataPoints: [{ asDouble: 'NaN' }] } }, 'odd NaN'],
    [{ name: 'odd', unit: '', gauge: { dataPoints: [{ asDouble: '-Infinity' }] } }, 'odd -Inf'],
  ])('%j', (metric, line) => expect(sample(metric)).toBe(line));
});

test.each<[what: string, metrics: MetricJson[], names: string[]]>([
  ['a counter, and a gauge of the name of its sample', [counter('conf', ''), gauge('conf_total', '')], ['conf_total']],
  ['what would stand among the targets', [gauge('target_info', ''), gauge('target', ''), gauge('good', '')], ['good']],
  ['a histogram, and a counter that would be its count', [{ name: 'took', histogram: { dataPoints: [{ count: '1', bucketCounts: ['1'], explicitBounds: [] }] } }, gauge('took.count', '')], ['took_bucket', 'took_count']],
  ['series whose names fall together', [gauge('same.name', ''), gauge('same_name', '')], ['same_name']],
])('of what cannot be on one page the first is: %s', (_, metrics, names) => {
  for (const format of ['text', 'openmetrics'] as const) expect(page(metrics, format).filter((line) => line !== '' && !/^(?:#|target_info)/.test(line)).map((line) => line.split('{')[0])).toEqual(names);
});

test('labels: those of the target and the scope, keys that fall together, what must be escaped', () => {
  const attributes = [attribute('a.b', 'x'), attribute('a_b', 'y'), attribute('q', 'a"b\\c\nd'), attribute('job', 'mine'), attribute('0', 'n')];
  const lines = page([{ name: 'calls', gauge: { dataPoints: [{ asInt: '1', attributes }] } }], 'text', [attribute('service.name', 'shop'), attribute('service.namespace', 'eu'), attribute('service.instance.id', 'i-1'), attribute('host.name', 'h')]);
  expect(lines).toContain('target_info{job="eu/shop",instance="i-1",host_name="h"} 1');
  expect(lines).toContain('calls{job="eu/shop",instance="i-1",otel_scope_name="lib",otel_scope_version="1.0",_0="n",a_b="x;y",attribute_job="mine",q="a\\"b\\\\c\\nd"} 1');
});

const histogram: MetricJson = { name: 'took', unit: 's', description: 'How "long"', histogram: { dataPoints: [{ startTimeUnixNano: '1500000000000000000', count: '6', sum: 12.5, bucketCounts: ['1', '2', '3'], explicitBounds: [1, 2.5] }] } };
const common = 'job="shop",otel_scope_name="lib",otel_scope_version="1.0"';

test('a histogram as text', () => {
  expect(page([histogram])).toEqual([
    '# HELP target_info Target metadata', '# TYPE target_info gauge', 'target_info{job="shop"} 1',
    '# HELP took_seconds How "long"', '# TYPE took_seconds histogram',
    `took_seconds_bucket{${common},le="1"} 1`, `took_seconds_bucket{${common},le="2.5"} 3`, `took_seconds_bucket{${common},le="+Inf"} 6`,
    `took_seconds_sum{${common}} 12.5`, `took_seconds_count{${common}} 6`, '',
  ]);
});

test('a histogram and a counter in OpenMetrics', () => {
  expect(page([histogram, counter('calls', '')], 'openmetrics')).toEqual([
    '# HELP target Target metadata', '# TYPE target info', 'target_info{job="shop"} 1',
    '# HELP took_seconds How \\"long\\"', '# TYPE took_seconds histogram', '# UNIT took_seconds seconds',
    `took_seconds_bucket{${common},le="1.0"} 1`, `took_seconds_bucket{${common},le="2.5"} 3`, `took_seconds_bucket{${common},le="+Inf"} 6`,
    `took_seconds_sum{${common}} 12.5`, `took_seconds_count{${common}} 6`, `took_seconds_created{${common}} 1500000000`,
    '# TYPE calls counter', `calls_total{${common}} 1`,
    '# EOF', '',
  ]);
});

test('an exponential histogram has a bucket for each of its own', () => {
  const lines = page([{ name: 'took', exponentialHistogram: { dataPoints: [{ count: '10', sum: 3, scale: 0, zeroCount: '2', positive: { offset: 1, bucketCounts: ['3', '4'] }, negative: { offset: 0, bucketCounts: ['1'] } }] } }]);
  expect(lines.filter((line) => line.includes('_bucket')).map((line) => line.replace(/^.*le=/, ''))).toEqual(['"-1"} 1', '"0"} 3', '"4"} 6', '"8"} 10', '"+Inf"} 10']);
});

test('of two instruments of one name the first kind holds; nothing at all is an empty page', () => {
  expect(page([gauge('a', ''), { name: 'a', histogram: { dataPoints: [{ count: '1' }] } }]).filter((line) => line.startsWith('# TYPE a'))).toEqual(['# TYPE a gauge']);
  expect(writePrometheus({}, 'text')).toBe('\n');
  expect(writePrometheus({}, 'openmetrics')).toBe('# EOF\n');
});
