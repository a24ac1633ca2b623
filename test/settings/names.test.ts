import { expect, test } from 'vitest';
import { AGENT_PLAN_VARIABLE } from '../../src/plan/types.ts';
import { read, readLines } from './project.ts';

test.each([
  ['OTEL_SERVCE_NAME', 'OTEL_SERVICE_NAME'],
  ['OTEL_TRACE_EXPORTER', 'OTEL_TRACES_EXPORTER'],
  ['OTEL_EXPORTER_OTLP_ENDPOIT', 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  ['OTEL_EXPORTER_OTPL_HEADERS', 'OTEL_EXPORTER_OTLP_HEADERS'],
  ['OTEL_METRIC_EXPORTER', 'OTEL_METRICS_EXPORTER'],
])('%s is reported: %s was meant', async (name, meant) => {
  const { problems } = await read({ env: { [name]: 'x' } });
  expect(problems).toMatchObject([{ message: `${name}: OpenTelemetry knows no such variable; it is not used`, hint: `did you mean ${meant}?`, strict: false }]);
});

test.each(['OTEL_PYTHON_LOG_CORRELATION', 'OTEL_JAVAAGENT_ENABLED', 'OTEL_RESOURCE_ATTRIBUTES_POD_NAME', 'OTEL_INSTRUMENTATION_COMMON_DEFAULT_ENABLED', 'OTEL_DOTNET_AUTO_HOME', 'OTEL_GO_X_RESOURCE', 'OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT', 'OTELCOL_CONFIG', AGENT_PLAN_VARIABLE])(
  '%s is normal',
  async (name) => expect(await readLines({ env: { [name]: 'x' } })).toEqual([]),
);

test('a misspelt name that is empty is unset like any other', async () => {
  expect(await readLines({ env: { OTEL_SERVCE_NAME: '', OTEL_RUN_NONSENSE: '' } })).toEqual([]);
});

test.each([
  ['OTEL_RUN_SAMLE', 'did you mean OTEL_RUN_SAMPLE?'],
  ['OTEL_RUN_SOMETHING_ELSE', null],
  ['OTEL_RUN_FOO', null],
  ['OTEL_RUN_WIAT', 'did you mean OTEL_RUN_WAIT?'],
])('%s is always reported, and --strict refuses it', async (name, hint) => {
  const { problems } = await read({ env: { [name]: '1' } });
  expect(problems).toMatchObject([{ message: `${name}: no setting of otel-run has this name; it is not used`, hint, strict: true }]);
});

test.each([
  ['traces:\n  sampller: always_on\n', "otel-run.config.yaml:2:3: unknown key 'traces.sampller'; it is not used (did you mean 'sampler'?)"],
  ['serviceName: x\n', "otel-run.config.yaml:1:1: unknown key 'serviceName'; it is not used (did you mean 'service.name', written as service: { name: … }?)"],
  ['service.name: x\n', "otel-run.config.yaml:1:1: unknown key 'service.name'; it is not used (did you mean 'service.name', written as service: { name: … }?)"],
  ['endpoint: http://x\n', "otel-run.config.yaml:1:1: unknown key 'endpoint'; it is not used (did you mean 'otlp.endpoint', written as otlp: { endpoint: … }?)"],
  ['wait: true\nextra:\n  a: 1\n', /^otel-run\.config\.yaml:2:1: unknown key 'extra'; it is not used \(one of service, environment, /],
  ['dryRun: true\n', /^otel-run\.config\.yaml:1:1: unknown key 'dryRun'/],
  ['service: shop\n', "otel-run.config.yaml:1:1: 'service' holds further keys, no value; it is not used (one of name, version)"],
  ['instrumentations:\n  options:\n    htp: { a: 1 }\n', "otel-run.config.yaml:3:5 instrumentations.options.htp: 'htp' is no instrumentation; it is not used (did you mean 'http'?)"],
  ['__proto__:\n  polluted: 1\n', /unknown key '__proto__'/],
])('keys of %j', async (yaml, line) => {
  const settings = await read({ yaml });
  const lines = await readLines({ yaml });
  expect(lines).toEqual([typeof line === 'string' ? line : expect.stringMatching(line)]);
  expect(settings.problems[0]!.strict).toBe(true);
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});
