import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeOrigin } from '../../src/settings/origin.ts';
import { makeProject, read } from './project.ts';

const yaml = 'express: { layers: all }\nenvironment: from-file\nservice:\n  name: from-file\n';

test.each([
  ['flag', { flags: { environment: 'flag' }, env: { OTEL_RUN_ENVIRONMENT: 'env' }, yaml }, 'flag', '--environment'],
  ['OTEL_RUN_ variable', { env: { OTEL_RUN_ENVIRONMENT: 'env' }, yaml }, 'env', 'OTEL_RUN_ENVIRONMENT'],
  ['OTEL_RUN_ variable before OTEL_', { env: { OTEL_RUN_ENVIRONMENT: 'env', OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=attribute' }, yaml }, 'env', 'OTEL_RUN_ENVIRONMENT'],
  ['OTEL_ variable', { env: { OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=attribute' }, yaml }, 'attribute', 'OTEL_RESOURCE_ATTRIBUTES'],
  ['file', { yaml }, 'from-file', 'otel-run.config.yaml:2:14 environment'],
  ['default', {}, null, 'default'],
  ['file under an empty variable', { env: { OTEL_RUN_ENVIRONMENT: '  ' }, yaml }, 'from-file', 'otel-run.config.yaml:2:14 environment'],
])('%s', async (_, request, value, origin) => {
  const { environment } = await read(request);
  expect([environment.value, describeOrigin(environment.origin)]).toEqual([value, origin]);
});

test.each([
  ['the setting wins over the attribute of the same source', { env: { OTEL_SERVICE_NAME: 'a', OTEL_RESOURCE_ATTRIBUTES: 'service.name=b' } }, 'a'],
  ['the attribute holds alone', { env: { OTEL_RESOURCE_ATTRIBUTES: 'service.name=b' } }, 'b'],
  ['an attribute given by a flag wins over a variable', { flags: { resource: ['service.name=c'] }, env: { OTEL_SERVICE_NAME: 'a' } }, 'c'],
  ['a variable wins over the file', { env: { OTEL_RESOURCE_ATTRIBUTES: 'service.name=b' }, yaml }, 'b'],
  ['nobody says it: each process finds its own', {}, null],
])('service.name: %s', async (_, request, value) => {
  const settings = await read(request);
  expect(settings.serviceName.value).toBe(value);
  expect(settings.resource).not.toHaveProperty(['service.name']);
});

test('attributes are merged one by one, each with its origin', async () => {
  const settings = await read({
    flags: { resource: ['a=flag', 'x=1,2=3'] },
    env: { OTEL_RESOURCE_ATTRIBUTES: 'a=env,b=env%20two' },
    yaml: 'resource:\n  a: file\n  b: file\n  c: 1.10\n  d: true\n',
  });
  expect(Object.entries(settings.resource).map(([name, { value, origin }]) => `${name}=${value} ${describeOrigin(origin)}`).sort()).toEqual([
    'a=flag --resource',
    'b=env two OTEL_RESOURCE_ATTRIBUTES',
    'c=1.10 otel-run.config.yaml:4:6 resource.c',
    'd=true otel-run.config.yaml:5:6 resource.d',
    'x=1,2=3 --resource',
  ]);
});

test('paths in a file are relative to it, elsewhere to the working directory', async () => {
  const cwd = makeProject({ 'otel-run.config.yaml': 'otlp: { certificate: certs/ca.pem }\n', 'inner/x': '' });
  const { values } = await read({ cwd: join(cwd, 'inner'), env: { OTEL_EXPORTER_OTLP_CLIENT_KEY: 'key.pem' } });
  expect(values['otlp.certificate'].value).toBe(join(cwd, 'certs/ca.pem'));
  expect(values['otlp.clientKey'].value).toBe(join(cwd, 'inner/key.pem'));
});

test('what overrides hides what is wrong below it', async () => {
  expect((await read({ flags: { sampler: 'always_off' }, env: { OTEL_TRACES_SAMPLER: 'nonsense' } })).problems).toEqual([]);
});
