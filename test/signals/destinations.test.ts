/** Several exporters at once, and several OTLP backends by the config file: each gets everything, with its own retry and keep. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { pointsOf } from '../harness/otlp-signals.ts';
import { closedPort, startReceiver, type Receiver, type ReceiverOptions } from '../harness/receiver.ts';
import { otelRun } from '../harness/run.ts';
import { drain, makePlace, node, type Place } from '../export/runs.ts';
import { keptOf, missingOf, threeEnv, threeScript, threeSignals } from './three.ts';

const COUNT = 20;

function makeTestPlace(): Place {
  const place = makePlace();
  onTestFinished(() => place.remove());
  return place;
}

async function receive(options: ReceiverOptions = {}): Promise<Receiver> {
  const receiver = await startReceiver(options);
  onTestFinished(() => receiver.close());
  return receiver;
}

const all = { OTEL_METRICS_EXPORTER: 'otlp', OTEL_LOGS_EXPORTER: 'otlp', ...threeEnv };
const missing = (receiver: Receiver): number[][] => threeSignals.map((signal) => missingOf(receiver, signal, COUNT));
const complete = [[], [], []];

test('otlp and console at once, for each signal: to the backend, and as text on stderr', async () => {
  const place = makeTestPlace();
  const receiver = await receive();
  const options = threeSignals.flatMap((signal) => [`--${signal}`, 'otlp,console']);
  const { stdout, stderr, exitCode } = await otelRun({ node, topology: 'parent', args: [...options, node, threeScript, String(COUNT)], env: { ...place.env, ...threeEnv, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl } });
  expect([exitCode, stdout, missing(receiver)]).toEqual([0, '', complete]);
  for (const words of ['span 20', 'record 20', 'test.three']) expect(stderr).toContain(words);
  expect(stderr).not.toContain('otel-run:');
});

test('each signal has an endpoint, protocol, headers and compression of its own', async () => {
  const place = makeTestPlace();
  const receivers = await Promise.all(threeSignals.map((signal) => receive({ requireHeader: { name: 'x-token', value: `for-${signal}` } })));
  const [traces, metrics, logs] = receivers as [Receiver, Receiver, Receiver];
  const env = {
    ...place.env,
    ...all,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces.grpcUrl,
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${metrics.httpUrl}/own/v1/metrics`,
    OTEL_EXPORTER_OTLP_METRICS_COMPRESSION: 'gzip',
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `${logs.httpUrl}/v1/logs`,
    OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'http/json',
    ...Object.fromEntries(threeSignals.map((signal) => [`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_HEADERS`, `x-token=for-${signal}`])),
  };
  expect(await otelRun({ node, topology: 'parent', args: [node, threeScript, String(COUNT)], env })).toMatchObject({ exitCode: 0, stderr: '' });
  expect(missingOf(traces, 'traces', COUNT)).toEqual([]);
  expect(missingOf(metrics, 'metrics', COUNT)).toEqual([]);
  expect(logs.requests.reduce((sum, { count }) => sum + count, 0)).toBe(COUNT);
  expect(receivers.map(({ requests }) => [...new Set(requests.map(({ signal, transport, path, contentType, gzip }) => [signal, transport, path, contentType, gzip].join(' ')))])).toEqual([
    ['traces grpc /opentelemetry.proto.collector.trace.v1.TraceService/Export application/grpc false'],
    ['metrics http /own/v1/metrics application/x-protobuf true'],
    ['logs http /v1/logs application/json false'],
  ]);
});

test('two backends by the config file, one of them away: the other gets everything, and later drain sends the first what it has missed', async () => {
  const place = makeTestPlace();
  const away = await closedPort();
  const receiver = await receive({ requireHeader: { name: 'x-token', value: 's3cret' } });
  const config = join(place.home, 'otel-run.yaml');
  writeFileSync(
    config,
    `destinations:
  vendor:
    endpoint: http://127.0.0.1:${away}
    headers: { api-key: '\${VENDOR_KEY}' }
    compression: gzip
  own:
    endpoint: ${receiver.grpcUrl}
    protocol: grpc
    headers: { x-token: '\${OWN_TOKEN}' }
`,
  );
  const env = { ...place.env, ...all, VENDOR_KEY: 'vendor-s3cret', OWN_TOKEN: 's3cret', OTEL_RUN_CONFIG: config };
  const { stderr, exitCode } = await otelRun({ node, topology: 'parent', args: [node, threeScript, String(COUNT)], env });
  expect([exitCode, missing(receiver)]).toEqual([0, complete]);
  expect(stderr.match(/\d+ [a-z ]+ for http:\/\/127\.0\.0\.1:\d+\/v1\/\w+ \(vendor\) kept for the next run or `otel-run drain`: connection refused: nothing listens there/g)).toHaveLength(3);
  expect(stderr).not.toMatch(/s3cret|\(own\)/);
  expect(threeSignals.map((signal) => keptOf(place, signal) >= COUNT)).toEqual([true, true, true]);

  receiver.clear();
  const vendor = await receive({ httpPort: away, requireHeader: { name: 'api-key', value: 'vendor-s3cret' } });
  const drained = await drain(env);
  expect(drained).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/20 spans sent to http:\S+ \(vendor\)/) as unknown });
  expect([missing(vendor), vendor.twice(), receiver.requests, place.kept()]).toEqual([complete, [], [], []]);
  expect(vendor.requests.every(({ gzip }) => gzip)).toBe(true);
});

test('a backend that refuses is said with the settings of its own', async () => {
  const place = makeTestPlace();
  const [one, two] = [await receive({ requireHeader: { name: 'x-token', value: 's3cret' } }), await receive()];
  const config = join(place.home, 'otel-run.yaml');
  writeFileSync(config, `destinations:\n  one: { endpoint: '${one.httpUrl}' }\n  two: { endpoint: '${two.httpUrl}' }\n`);
  const { stderr } = await otelRun({ node, topology: 'parent', args: ['--config', config, node, threeScript, String(COUNT)], env: place.env });
  expect(stderr).toMatch(/^otel-run: 20 spans for http:\S+ \(one\) lost: HTTP 401: the backend does not accept the credentials: check destinations\.one\.headers\n$/);
  expect(missingOf(two, 'traces', COUNT)).toEqual([]);
});

test('metrics are cumulative for the one and delta for the other', async () => {
  const place = makeTestPlace();
  const [one, two] = [await receive(), await receive()];
  const config = join(place.home, 'otel-run.yaml');
  writeFileSync(config, `destinations:\n  one: { endpoint: '${one.httpUrl}' }\n  two: { endpoint: '${two.httpUrl}', temporality: delta, signals: [metrics] }\n`);
  await otelRun({ node, topology: 'parent', args: ['--config', config, node, threeScript, String(COUNT)], env: { ...place.env, ...all } });
  const temporalities = (receiver: Receiver): unknown[] => [...new Set(pointsOf(receiver.requests).filter(({ name }) => name === 'test.three').map(({ temporality }) => temporality))];
  expect([temporalities(one), temporalities(two)]).toEqual([['cumulative'], ['delta']]);
  expect([missing(one), [...new Set(two.requests.map(({ signal }) => signal))]]).toEqual([complete, ['metrics']]);
});

test('--dry-run names each, with no secret', async () => {
  const place = makeTestPlace();
  const config = join(place.home, 'otel-run.yaml');
  writeFileSync(config, `destinations:\n  vendor: { endpoint: 'https://vendor.example', headers: { api-key: '\${VENDOR_KEY}' } }\n`);
  const { stdout } = await otelRun({ node, args: ['--dry-run', '--config', config, node, '-e', '0'], cwd: place.home, env: { ...place.env, VENDOR_KEY: 's3cret' } });
  expect(stdout).toContain('traces to vendor, https://vendor.example/v1/traces (http/protobuf; headers: api-key); undelivered: keep');
  expect(stdout).toMatch(/destinations\.vendor\.headers\.api-key +\*\*\* +otel-run\.yaml:2:/);
  expect(stdout).toMatch(/withheld +VENDOR_KEY/);
  expect(stdout).not.toContain('s3cret');
});
