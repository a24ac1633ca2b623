import { expect, test } from 'vitest';
import { read, readLines } from './project.ts';

const views = (text: string): string => `metrics:\n  views:\n${text.replace(/^/gm, '    ')}`;

test('in the words of the declarative configuration', async () => {
  const yaml = views(`- selector: { instrument_name: http.server.*, instrument_type: histogram, unit: s, meter_name: shop, meter_version: '1', meter_schema_url: https://x }
  stream:
    description: \${WORDS}
    aggregation: { explicit_bucket_histogram: { boundaries: [0.1, 1, 10], record_min_max: false } }
    aggregation_cardinality_limit: 100
    attribute_keys: { included: [http.*], excluded: [http.route] }
- selector: { instrument_name: jobs }
  stream: { name: shop.jobs, aggregation: { base2_exponential_bucket_histogram: { max_size: 40 } } }
- selector: { instrument_type: gauge }
  stream:
    aggregation:
      drop:`);
  const { values, problems } = await read({ yaml, env: { WORDS: 'in seconds' } });
  expect(problems).toEqual([]);
  expect(values['metrics.views'].value).toEqual([
    {
      selector: { instrument_name: 'http.server.*', instrument_type: 'histogram', unit: 's', meter_name: 'shop', meter_version: '1', meter_schema_url: 'https://x' },
      stream: {
        description: 'in seconds',
        aggregation: { explicit_bucket_histogram: { boundaries: [0.1, 1, 10], record_min_max: false } },
        aggregation_cardinality_limit: 100,
        attribute_keys: { included: ['http.*'], excluded: ['http.route'] },
      },
    },
    { selector: { instrument_name: 'jobs' }, stream: { name: 'shop.jobs', aggregation: { base2_exponential_bucket_histogram: { max_size: 40 } } } },
    { selector: { instrument_type: 'gauge' }, stream: { aggregation: { drop: true } } },
  ]);
});

test.each([
  ['selector: x', 'otel-run.config.yaml:3:5 metrics.views: expected a list of views; it is not used'],
  ['- stream: { name: x }', 'otel-run.config.yaml:3:7 metrics.views[0]: it has no selector; the view is not used'],
  ['- selector:', 'otel-run.config.yaml:3:7 metrics.views[0]: its selector selects nothing in particular; the view is not used'],
  ['- selector: { instrument: x }', "otel-run.config.yaml:3:19 metrics.views[0].selector: unknown key 'instrument'; the view is not used (one of instrument_name, instrument_type, unit, meter_name, meter_version, meter_schema_url)"],
  ['- selector: { instrument_type: histgram }', "otel-run.config.yaml:3:36 metrics.views[0].selector.instrument_type: 'histgram' is not known; the view is not used (did you mean 'histogram'?)"],
  ['- selector: { instrument_name: http.* }\n  stream: { name: x }', "otel-run.config.yaml:3:7 metrics.views[0]: several instruments would be called 'x': its selector needs an instrument_name without * and ?; the view is not used"],
  ['- selector: { instrument_name: x }\n  stream: { aggregation: { sum: {}, drop: {} } }', 'otel-run.config.yaml:4:30 metrics.views[0].stream.aggregation: expected one of default, drop, sum, last_value, explicit_bucket_histogram, base2_exponential_bucket_histogram; the view is not used'],
  ['- selector: { instrument_name: x }\n  stream: { aggregation: { explicit_bucket_histogram: { boundaries: [1, 1] } } }', 'otel-run.config.yaml:4:73 metrics.views[0].stream.aggregation.explicit_bucket_histogram.boundaries: expected numbers, each larger than the one before; the view is not used'],
  ['- selector: { instrument_name: x }\n  stream: { aggregation_cardinality_limit: none }', "otel-run.config.yaml:4:48 metrics.views[0].stream.aggregation_cardinality_limit: 'none' is no whole number from 1; the view is not used"],
  ['- selector: { instrument_name: x }\n  stream: { attribute_keys: { excluded: key } }', 'otel-run.config.yaml:4:45 metrics.views[0].stream.attribute_keys.excluded: expected a list; the view is not used'],
])('%j', async (text, line) => {
  expect(await readLines({ yaml: views(text) })).toEqual([line]);
});

test('the other views hold', async () => {
  const { values } = await read({ yaml: views('- selector: { instrument_type: none }\n- selector: { instrument_name: x }') });
  expect(values['metrics.views'].value).toEqual([{ selector: { instrument_name: 'x' } }]);
});
