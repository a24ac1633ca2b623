import { expect, test } from 'vitest';
import { maskDestination, showSettings } from '../../src/settings/show.ts';
import { table, type Setting } from '../../src/settings/table.ts';
import { read } from './project.ts';

test('secrets are hidden wherever they stand', async () => {
  const settings = await read({
    flags: { header: ['x-flag=s3cret'], resource: ['api.token=s3cret', 'repo=https://me:s3cret@host/x?k=s3cret', 'team=checkout'] },
    env: {
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer s3cret',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://me:s3cret@c/otel?key=s3cret',
      OTEL_RESOURCE_ATTRIBUTES: 'db.password=s3cret',
    },
    yaml: 'otlp: { traces: { headers: { x-file: s3cret } } }\ninstrumentations: { options: { http: { key: s3cret } } }\n',
  });
  const rows = showSettings(settings);
  expect(JSON.stringify(rows)).not.toContain('s3cret');
  expect(rows.map(({ setting, value, origin }) => `${setting} | ${value} | ${origin}`)).toEqual(
    expect.arrayContaining([
      'otlp.headers.authorization | *** | OTEL_EXPORTER_OTLP_HEADERS',
      'otlp.headers.x-flag | *** | --header',
      'otlp.traces.headers.x-file | *** | otel-run.config.yaml:1:38 otlp.traces.headers.x-file',
      'otlp.endpoint | https://***@c/otel?key=*** | OTEL_EXPORTER_OTLP_ENDPOINT',
      'resource.api.token | *** | --resource',
      'resource.db.password | *** | OTEL_RESOURCE_ATTRIBUTES',
      'resource.repo | https://***@host/x?k=*** | --resource',
      'resource.team | checkout | --resource',
      'instrumentations.options.http | set | otel-run.config.yaml:2:30 instrumentations.options',
    ]),
  );
  expect(JSON.stringify(maskDestination(settings.otlp.traces.destination!))).not.toContain('s3cret');
  expect(maskDestination(settings.otlp.traces.destination!)).toMatchObject({ headers: { authorization: '***' }, url: 'https://c/otel/v1/traces?key=***' });
});

test('every setting has a row, with what several decide together as it came out', async () => {
  const settings = await read({ flags: { sample: '0.1' }, env: { OTEL_RESOURCE_ATTRIBUTES: 'service.name=shop', OTEL_BSP_SCHEDULE_DELAY: 'x' } });
  const rows = showSettings(settings);
  const names = Object.entries<Setting>(table).flatMap(([key, { type }]) => (type === 'map' ? [] : [key]));
  expect(rows.map(({ setting }) => setting)).toEqual(expect.arrayContaining(names));
  expect(rows).toEqual(
    expect.arrayContaining([
      { setting: 'service.name', value: 'shop', origin: 'OTEL_RESOURCE_ATTRIBUTES' },
      { setting: 'traces.sampler', value: 'parentbased_traceidratio 0.1', origin: '--sample' },
      { setting: 'batch.delay', value: '1000', origin: 'default (the value of OTEL_BSP_SCHEDULE_DELAY is invalid)' },
      { setting: 'otlp.endpoint', value: '-', origin: 'default' },
    ]),
  );
});

test('control characters of a value do not reach a line of ours', async () => {
  const { problems } = await read({ env: { OTEL_TRACES_SAMPLER: `\u001b]0;x\u0007${'y'.repeat(500)}` } });
  expect(problems[0]!.message).not.toMatch(/[\u0000-\u001f]/);
  expect(problems[0]!.message.length).toBeLessThan(200);
});
