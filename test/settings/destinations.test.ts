import { join } from 'node:path';
import { expect, test } from 'vitest';
import { showSettings } from '../../src/settings/show.ts';
import { telemetryWishes } from '../../src/settings/telemetry-wishes.ts';
import type { OtlpDestination } from '../../src/plan/types.ts';
import { makeProject, read, readLines, type Request } from './project.ts';

const nowhere = { stateDir: '/state', unwritable: null, forgets: null, localStore: true, stdinIsTerminal: false };

/** `traces vendor https://…`, in order. */
async function sent(request: Request): Promise<string[]> {
  const { exporter } = telemetryWishes(await read(request), nowhere);
  return exporter.destinations.map((one) => (one.kind === 'otlp' ? `${one.signal} ${one.name ?? '-'} ${one.url}` : one.kind));
}

const two = `
destinations:
  vendor:
    endpoint: https://vendor.example/otlp
    headers: { api-key: '\${VENDOR_KEY}' }
  own:
    endpoint: http://collector:4317
    protocol: grpc
`;
const env = { VENDOR_KEY: 's3cret' };

test.each<[string, Request, string[]]>([
  ['those that are named', { yaml: two, env }, ['traces vendor https://vendor.example/otlp/v1/traces', 'traces own http://collector:4317']],
  [
    'and the one of the variables',
    { yaml: two, env: { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' } },
    ['traces - http://c:4318/v1/traces', 'traces vendor https://vendor.example/otlp/v1/traces', 'traces own http://collector:4317'],
  ],
  [
    'every signal that is exported',
    { yaml: two, env: { ...env, OTEL_METRICS_EXPORTER: 'otlp,console' } },
    ['traces vendor https://vendor.example/otlp/v1/traces', 'traces own http://collector:4317', 'metrics vendor https://vendor.example/otlp/v1/metrics', 'metrics own http://collector:4317', 'console'],
  ],
  [
    'of the signals that it names',
    { yaml: 'destinations:\n  a: { endpoint: http://a, signals: [logs] }\n  b: { endpoint: http://b, signals: traces }\nlogs: { exporters: otlp }\n' },
    ['traces b http://b/v1/traces', 'logs a http://a/v1/logs'],
  ],
  [
    'localhost for a signal that none takes',
    { yaml: 'destinations: { a: { endpoint: http://a, signals: [logs] } }\nlogs: { exporters: otlp }\ntraces: { exporters: otlp }\n' },
    ['traces - http://localhost:4318/v1/traces', 'logs a http://a/v1/logs'],
  ],
  ['the local store where none takes traces', { yaml: 'destinations: { a: { endpoint: http://a, signals: [logs] } }\nlogs: { exporters: otlp }\n' }, ['store', 'logs a http://a/v1/logs']],
  ['none where the exporter is not otlp', { yaml: two, env: { ...env, OTEL_TRACES_EXPORTER: 'console' } }, ['console']],
])('sent to: %s', async (_, request, destinations) => {
  expect(await sent(request)).toEqual(destinations);
  expect((await read(request)).problems).toEqual([]);
});

test('all of a destination, and nothing of the others', async () => {
  const cwd = makeProject({
    'otel-run.config.yaml': `
otlp: { endpoint: http://main, headers: { x-main: s3cret }, timeout: 1, compression: gzip }
metrics: { exporters: otlp, temporality: cumulative }
destinations:
  vendor:
    endpoint: https://me:\${VENDOR_PASSWORD}@vendor.example
    protocol: http/json
    headers: { Api-Key: '\${VENDOR_KEY}' }
    signals: [metrics]
    timeout: 5000
    compression: gzip
    certificate: ca.pem
    clientCertificate: /c.pem
    clientKey: /k.pem
    temporality: delta
`,
  });
  const settings = await read({ cwd, env: { ...env, VENDOR_PASSWORD: 'pw' } });
  expect(settings.destinations).toEqual([
    {
      kind: 'otlp',
      name: 'vendor',
      signal: 'metrics',
      protocol: 'http/json',
      url: 'https://vendor.example/v1/metrics',
      headers: { authorization: `Basic ${Buffer.from('me:pw').toString('base64')}`, 'api-key': 's3cret' },
      timeoutMs: 5000,
      compression: 'gzip',
      tls: { ca: join(cwd, 'ca.pem'), cert: '/c.pem', key: '/k.pem' },
      temporality: 'delta',
      undelivered: 'keep',
    } satisfies OtlpDestination,
  ]);
  expect([settings.problems, [...settings.credentials].sort()]).toEqual([[], ['VENDOR_KEY', 'VENDOR_PASSWORD']]);
  const rows = showSettings(settings);
  expect(JSON.stringify(rows)).not.toMatch(/s3cret|pw@/);
  expect(rows.filter(({ setting }) => setting.startsWith('destinations.')).map(({ setting, value, origin }) => `${setting} | ${value} | ${origin.split(' ')[0]}`)).toEqual([
    'destinations.vendor.endpoint | https://***@vendor.example | otel-run.config.yaml:6:15',
    'destinations.vendor.protocol | http/json | otel-run.config.yaml:7:15',
    'destinations.vendor.headers.api-key | *** | otel-run.config.yaml:8:25',
    'destinations.vendor.signals | metrics | otel-run.config.yaml:9:14',
    'destinations.vendor.timeout | 5000 | otel-run.config.yaml:10:14',
    'destinations.vendor.compression | gzip | otel-run.config.yaml:11:18',
    `destinations.vendor.certificate | ${join(cwd, 'ca.pem')} | otel-run.config.yaml:12:18`,
    'destinations.vendor.clientKey | /k.pem | otel-run.config.yaml:14:16',
    'destinations.vendor.clientCertificate | /c.pem | otel-run.config.yaml:13:24',
    'destinations.vendor.temporality | delta | otel-run.config.yaml:15:18',
  ]);
});

const named = 'destinations:\n  a:\n    ';

test.each<[string, string, string[]]>([
  ['no endpoint', `${named}protocol: grpc\n`, ['otel-run.config.yaml:2:3 destinations.a: it has no endpoint; nothing is sent there']],
  ['no URL', `${named}endpoint: c:4318\n`, ["otel-run.config.yaml:3:15 destinations.a.endpoint: 'c:4318' is no http:// or https:// URL; nothing is sent there (write http://c:4318 or https://c:4318)"]],
  ['an unknown protocol', `${named}endpoint: http://c\n    protocol: grcp\n`, ["otel-run.config.yaml:4:15 destinations.a.protocol: 'grcp' is not known; nothing is sent there (did you mean 'grpc'?)"]],
  ['an unknown signal', `${named}endpoint: http://c\n    signals: [trace]\n`, ["otel-run.config.yaml:4:14 destinations.a.signals: 'trace' is not known; nothing is sent there (did you mean 'traces'?)"]],
  ['an unknown key', `${named}endpoint: http://c\n    header: {}\n`, ["otel-run.config.yaml:4:5: unknown key 'destinations.a.header'; it is not used (did you mean 'headers'?)"]],
  ['url', `${named}endpoint: http://c\n    url: http://d\n`, ["otel-run.config.yaml:4:5: unknown key 'destinations.a.url'; it is not used (did you mean 'endpoint'?)"]],
  ['a variable that is not set', `${named}endpoint: http://c\n    headers: { a: "\${V}" }\n`, ['otel-run.config.yaml:4:19 destinations.a.headers.a: V is not set; the header is not sent (set it, or write ${V:-} to do without)']],
  ['a signal that is not exported', `${named}endpoint: http://c\n    signals: [traces, logs]\n`, ['otel-run.config.yaml:4:14 destinations.a.signals: no logs are exported (--logs otlp, or logs.exporters, has them exported)']],
  ['a signal that is meant not to be exported', `${named}endpoint: http://c\n    signals: [traces, logs]\nlogs: { exporters: none }\n`, []],
  ['headers for nobody', `${named}endpoint: http://c\notlp: { headers: { x: s3cret } }\n`, ['otel-run.config.yaml:4:23 otlp.headers.x: these headers go nowhere: otlp.endpoint is not set, and destinations have headers of their own (destinations.<name>.headers, or set the endpoint)']],
  ['headers for the backend besides', `${named}endpoint: http://c\notlp: { endpoint: http://d, headers: { x: s3cret } }\n`, []],
  ['a list', 'destinations: [a]\n', ['otel-run.config.yaml:1:15 destinations: expected names, each with its settings; it is not used']],
  ['a URL alone', 'destinations: { a: http://c }\n', ['otel-run.config.yaml:1:17 destinations.a: expected endpoint, protocol, headers …; nothing is sent there']],
  ['no name', 'destinations: { "a.b": {} }\n', ["otel-run.config.yaml:1:17 destinations.a.b: 'a.b' is no name: letters, digits, - and _; nothing is sent there"]],
  ['the same twice', `${named}endpoint: http://c\n  b:\n    endpoint: http://c/\n`, ['otel-run.config.yaml:4:3 destinations.b: its traces go to the endpoint and with the headers of destinations.a; they are sent once']],
  ['nothing', 'destinations:\n', []],
])('%s is said with its place', async (_, yaml, lines) => {
  expect(await readLines({ yaml })).toEqual(lines);
});

test('headers from files, relative to the config file', async () => {
  const yaml = `${named}endpoint: http://c\n    headers: { x: one }\n    headerFiles: { Authorization: run/token, y: missing, z: empty }\n`;
  const cwd = makeProject({ 'otel-run.config.yaml': yaml, 'run/token': 'Bearer s3cret\n', empty: '' });
  const settings = await read({ cwd });
  expect(settings.destinations).toMatchObject([{ headers: { x: 'one', authorization: 'Bearer s3cret' }, headerFiles: { authorization: join(cwd, 'run/token') } }]);
  expect(settings.problems.map(({ message }) => message.replace(cwd, ''))).toEqual([
    "otel-run.config.yaml:5:49 destinations.a.headerFiles.y: '/missing' cannot be read (ENOENT); the header 'y' is not sent",
    "otel-run.config.yaml:5:61 destinations.a.headerFiles.z: '/empty' is empty; the header 'z' is not sent",
  ]);
  const rows = showSettings(settings).filter(({ setting }) => setting.startsWith('destinations.'));
  expect(rows.map(({ setting, value, origin }) => `${setting} | ${value} | ${origin}`)).toEqual([
    'destinations.a.endpoint | http://c | otel-run.config.yaml:3:15 destinations.a.endpoint',
    'destinations.a.headers.x | *** | otel-run.config.yaml:4:19 destinations.a.headers.x',
    'destinations.a.headers.authorization | *** | otel-run.config.yaml:5:35 destinations.a.headerFiles.Authorization',
  ]);
});

test('signals that go to one gRPC port are no twins', async () => {
  expect(await sent({ yaml: `${named}endpoint: http://c:4317\n    protocol: grpc\nlogs: { exporters: otlp }\n` })).toEqual(['traces a http://c:4317', 'logs a http://c:4317']);
});
