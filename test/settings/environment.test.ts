import { expect, test } from 'vitest';
import type { SettingKey } from '../../src/settings/table.ts';
import { read, readLines } from './project.ts';

test.each<[string, string, SettingKey, unknown]>([
  ['OTEL_SDK_DISABLED', 'TRUE', 'disabled', true],
  ['OTEL_SDK_DISABLED', '', 'disabled', false],
  ['OTEL_TRACES_EXPORTER', 'otlp, Console', 'traces.exporters', ['otlp', 'console']],
  ['OTEL_TRACES_EXPORTER', 'none', 'traces.exporters', []],
  ['OTEL_TRACES_EXPORTER', ' ', 'traces.exporters', ['otlp']],
  ['OTEL_PROPAGATORS', 'B3,XRay,b3', 'propagators', ['b3', 'xray']],
  ['OTEL_PROPAGATORS', 'tracecontext,jaeger,ottrace,b3multi,baggage', 'propagators', ['tracecontext', 'jaeger', 'ottrace', 'b3multi', 'baggage']],
  ['OTEL_PROPAGATORS', 'none', 'propagators', []],
  ['OTEL_NODE_ENABLED_INSTRUMENTATIONS', 'http,@opentelemetry/instrumentation-pg', 'instrumentations.only', ['http', 'pg']],
  ['OTEL_NODE_DISABLED_INSTRUMENTATIONS', 'fs, dns', 'instrumentations.disabled', ['fs', 'dns']],
  ['OTEL_NODE_RESOURCE_DETECTORS', 'all', 'detectors', null],
  ['OTEL_NODE_RESOURCE_DETECTORS', 'none', 'detectors', []],
  ['OTEL_NODE_RESOURCE_DETECTORS', 'env,host,os', 'detectors', ['env', 'host', 'os']],
  ['OTEL_BSP_SCHEDULE_DELAY', '250', 'batch.delay', 250],
  ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '64', 'batch.size', 64],
  ['OTEL_RUN_WAIT', 'false', 'wait', false],
  ['OTEL_RUN_WAIT', 'true', 'wait', true],
  ['OTEL_RUN_WAIT', '', 'wait', null],
  ['OTEL_RUN_PRINT', '1', 'print', true],
  ['OTEL_RUN_PRINT', 'Yes', 'print', true],
  ['OTEL_RUN_WAIT', 'off', 'wait', false],
  ['OTEL_RUN_DISABLED', 'on', 'runDisabled', true],
  ['OTEL_RUN_TERM_DELAY', '10', 'termDelay', 10],
  ['OTEL_RUN_TERM_DELAY', '1.5s', 'termDelay', 1.5],
  ['OTEL_RUN_TERM_DELAY', '2m', 'termDelay', 120],
  ['OTEL_RUN_EXPRESS_LAYERS', 'Handlers', 'express.layers', 'handlers'],
  ['OTEL_RUN_REDACT_NAMES', 'ssn, iban', 'redact.names', ['ssn', 'iban']],
  ['OTEL_RUN_SPOOL_SIZE', '8MiB', 'spool.size', 8_388_608],
])('%s=%s sets %s to %j', async (name, text, key, value) => {
  const settings = await read({ env: { [name]: text } });
  expect(settings.values[key].value).toEqual(value);
  expect(settings.problems).toEqual([]);
});

test.each<[string, string, string]>([
  ['OTEL_SDK_DISABLED', 'yes', "OTEL_SDK_DISABLED: 'yes' is neither true nor false; it counts as false"],
  ['OTEL_RUN_PRINT', 'maybe', "OTEL_RUN_PRINT: 'maybe' is neither true nor false; it counts as false"],
  ['OTEL_RUN_DISABLED', 'maybe', "OTEL_RUN_DISABLED: 'maybe' is neither true nor false; it counts as true"],
  ['OTEL_TRACES_EXPORTER', 'otpl', "OTEL_TRACES_EXPORTER: 'otpl' is not known; no traces are exported (did you mean 'otlp'?)"],
  ['OTEL_TRACES_EXPORTER', 'otlp,consle', "OTEL_TRACES_EXPORTER: 'consle' is not known; the others hold (did you mean 'console'?)"],
  ['OTEL_TRACES_EXPORTER', 'zipkin', "OTEL_TRACES_EXPORTER: 'zipkin': the exporter zipkin is not supported; no traces are exported"],
  ['OTEL_TRACES_EXPORTER', 'none,otlp', "OTEL_TRACES_EXPORTER: 'none' stands beside 'otlp'; it is none"],
  ['OTEL_PROPAGATORS', 'tracecontxt', "OTEL_PROPAGATORS: 'tracecontxt' is not known; tracecontext, baggage instead (did you mean 'tracecontext'?)"],
  ['OTEL_EXPORTER_OTLP_COMPRESSION', 'zstd', "OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd' is not known; none instead (one of none, gzip)"],
  ['OTEL_EXPORTER_OTLP_TIMEOUT', '10s', "OTEL_EXPORTER_OTLP_TIMEOUT: '10s' is no whole number of milliseconds; 10000 instead (write 10000)"],
  ['OTEL_METRIC_EXPORT_INTERVAL', '0', "OTEL_METRIC_EXPORT_INTERVAL: '0' is no whole number of milliseconds from 100; 60000 instead"],
  ['OTEL_METRIC_EXPORT_INTERVAL', '60s', "OTEL_METRIC_EXPORT_INTERVAL: '60s' is no whole number of milliseconds from 100; 60000 instead (write 60000)"],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'http/protobuff', "OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuff' is not known; nothing is sent (did you mean 'http/protobuf'?)"],
  ['OTEL_EXPORTER_PROMETHEUS_PORT', '70000', "OTEL_EXPORTER_PROMETHEUS_PORT: '70000' is no whole number from 1 to 65535; 9464 instead"],
  ['OTEL_SPAN_EVENT_COUNT_LIMIT', '-1', "OTEL_SPAN_EVENT_COUNT_LIMIT: '-1' is no whole number from 0; 128 instead"],
  ['OTEL_NODE_ENABLED_INSTRUMENTATIONS', 'expres', "OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'expres' is not known; it is not used (did you mean 'express'?)"],
  ['OTEL_NODE_RESOURCE_DETECTORS', 'host,aws', "OTEL_NODE_RESOURCE_DETECTORS: 'aws': detectors that ask the network are not supported; the others hold"],
  ['OTEL_RESOURCE_ATTRIBUTES', 'a=1,b', "OTEL_RESOURCE_ATTRIBUTES: 'b' is no key=value; none of it is used"],
  ['OTEL_RESOURCE_ATTRIBUTES', 'a=1,b=100%', "OTEL_RESOURCE_ATTRIBUTES: the value of 'b' is no valid percent-encoding; none of it is used (write % as %25)"],
  ['OTEL_RUN_SAMPLE', '10%', "OTEL_RUN_SAMPLE: '10%' is no number from 0 to 1; sampling 100 % instead (10 % is 0.1)"],
])('%s=%s is said, and --strict refuses it', async (name, text, line) => {
  const { problems } = await read({ env: { [name]: text } });
  expect(await readLines({ env: { [name]: text } })).toEqual([line]);
  expect(problems.map(({ strict }) => strict)).toEqual([true]);
});

test.each([
  ['OTEL_CONFIG_FILE', 'otel.yaml', "OTEL_CONFIG_FILE: OpenTelemetry's declarative configuration is not supported yet; the file is not read"],
  ['OTEL_ENTITIES', 'x', 'OTEL_ENTITIES: entities are not supported; it is not used'],
])('%s=%s cannot be honoured and gets a line, which --strict lets pass', async (name, text, line) => {
  const { problems } = await read({ env: { [name]: text } });
  expect(problems.map(({ message, strict }) => ({ message, strict }))).toEqual([{ message: line, strict: false }]);
});

test.each([['OTEL_METRICS_EXPORTER', 'none'], ['OTEL_LOGS_EXPORTER', 'none'], ['OTEL_CONFIG_FILE', ''], ['OTEL_METRIC_EXPORT_INTERVAL', '100'], ['OTEL_METRICS_EXPORTER', 'otlp'], ['OTEL_LOGS_EXPORTER', 'console'], ['OTEL_SEMCONV_STABILITY_OPT_IN', 'http']])(
  '%s=%s needs no word',
  async (name, text) => expect(await readLines({ env: { [name]: text } })).toEqual([]),
);

test('an invalid value takes the default, and says whose value it rejected', async () => {
  const { values } = await read({ env: { OTEL_BSP_SCHEDULE_DELAY: 'soon' } });
  expect(values['batch.delay']).toEqual({ value: 1000, origin: { kind: 'default', name: '' }, rejected: { kind: 'env', name: 'OTEL_BSP_SCHEDULE_DELAY' } });
});

test.each([
  [{}, 'normal'],
  [{ env: { OTEL_LOG_LEVEL: 'ERROR' } }, 'quiet'],
  [{ env: { OTEL_LOG_LEVEL: 'debug' } }, 'verbose'],
  [{ env: { OTEL_LOG_LEVEL: 'debug', OTEL_RUN_QUIET: 'true' } }, 'quiet'],
  [{ env: { OTEL_RUN_QUIET: 'true' }, flags: { verbose: true } }, 'verbose'],
])('%j is %s', async (request, verbosity) => {
  expect((await read(request)).verbosity.value).toBe(verbosity);
});

test.each([
  [{}, { attributeCount: 128, eventCount: 128, linkCount: 128, attributePerEventCount: 128, attributePerLinkCount: 128 }],
  [{ OTEL_ATTRIBUTE_COUNT_LIMIT: '5', OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '9' }, { attributeValueLength: 9, attributeCount: 5, attributePerEventCount: 5, attributePerLinkCount: 5 }],
  [{ OTEL_ATTRIBUTE_COUNT_LIMIT: '5', OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '6', OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: '7', OTEL_LINK_ATTRIBUTE_COUNT_LIMIT: '8' }, { attributeCount: 6, attributePerEventCount: 7, attributePerLinkCount: 8 }],
  [{ OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '9', OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '10' }, { attributeValueLength: 10 }],
  [{ OTEL_SPAN_EVENT_COUNT_LIMIT: '1', OTEL_SPAN_LINK_COUNT_LIMIT: '0' }, { eventCount: 1, linkCount: 0 }],
])('limits of %j', async (env, limits) => {
  expect((await read({ env })).limits).toMatchObject(limits);
});
