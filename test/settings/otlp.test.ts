import { join } from 'node:path';
import { expect, test } from 'vitest';
import { maskUrl } from '../../src/settings/endpoint.ts';
import { formatProblem } from '../../src/settings/origin.ts';
import { makeProject, read, readLines } from './project.ts';

const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const TRACES = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';
const grpc = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
const insecure = { OTEL_EXPORTER_OTLP_INSECURE: 'true' };

test.each<[Record<string, string>, string]>([
  [{}, 'http://localhost:4318/v1/traces'],
  [grpc, 'http://localhost:4317'],
  [{ [ENDPOINT]: 'http://c:4318' }, 'http://c:4318/v1/traces'],
  [{ [ENDPOINT]: 'http://c:4318/' }, 'http://c:4318/v1/traces'],
  [{ [ENDPOINT]: 'HTTPS://c/otel' }, 'https://c/otel/v1/traces'],
  [{ [ENDPOINT]: 'https://c/otel/' }, 'https://c/otel/v1/traces'],
  [{ [ENDPOINT]: 'https://c/otel?k=v#x' }, 'https://c/otel/v1/traces?k=v'],
  [{ [ENDPOINT]: 'http://[::1]:4318' }, 'http://[::1]:4318/v1/traces'],
  [{ [TRACES]: 'http://c:4318/custom/' }, 'http://c:4318/custom/'],
  [{ [ENDPOINT]: 'http://a', [TRACES]: 'http://b/x' }, 'http://b/x'],
  [{ [ENDPOINT]: 'http://a', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' }, 'http://a/v1/traces'],
  [{ ...grpc, [ENDPOINT]: 'http://c:4317' }, 'http://c:4317'],
  [{ ...grpc, [ENDPOINT]: 'http://c' }, 'http://c:80'],
  [{ ...grpc, [ENDPOINT]: 'https://c' }, 'https://c:443'],
  [{ ...grpc, [ENDPOINT]: 'c:4317' }, 'https://c:4317'],
  [{ ...grpc, ...insecure, [ENDPOINT]: 'c:4317' }, 'http://c:4317'],
  [{ ...grpc, ...insecure, [ENDPOINT]: '[::1]:4317' }, 'http://[::1]:4317'],
  [{ ...grpc, ...insecure, [ENDPOINT]: 'https://c:4317' }, 'https://c:4317'],
  [{ [ENDPOINT]: 'unix:///run/otel.sock' }, 'unix:///run/otel.sock'],
  [{ ...grpc, [ENDPOINT]: 'unix:/run/otel.sock' }, 'unix:///run/otel.sock'],
  [{ [TRACES]: 'UNIX:///run/o tel/x@y' }, 'unix:///run/o%20tel/x@y'],
  [{ ...grpc, OTEL_EXPORTER_OTLP_TRACES_INSECURE: 'true', [TRACES]: 'c:4317' }, 'http://c:4317'],
])('%j sends to %s', async (env, url) => {
  const { otlp, problems } = await read({ env });
  expect([otlp.traces.destination?.url, problems]).toEqual([url, []]);
});

test.each<[Record<string, string>, string]>([
  [{ [ENDPOINT]: 'c:4318' }, `${ENDPOINT}: 'c:4318' is no http:// or https:// URL; nothing is sent there (write http://c:4318 or https://c:4318)`],
  [{ [ENDPOINT]: 'unix:run/x' }, `${ENDPOINT}: 'unix:run/x' names no absolute path of a socket; nothing is sent there (for instance unix:///run/otel.sock)`],
  [{ ...grpc, [ENDPOINT]: 'unix://run/x' }, `${ENDPOINT}: 'unix://run/x' names no absolute path of a socket; nothing is sent there (for instance unix:///run/otel.sock)`],
  [{ [ENDPOINT]: 'unix:///run/' }, `${ENDPOINT}: 'unix:///run/' names no absolute path of a socket; nothing is sent there (for instance unix:///run/otel.sock)`],
  [{ [ENDPOINT]: 'http://' }, `${ENDPOINT}: 'http://' is no valid URL; nothing is sent there (for instance http://localhost:4318)`],
  [{ [TRACES]: 'http://c:99999' }, `${TRACES}: 'http://c:99999' is no valid URL; no traces are sent (for instance http://localhost:4318)`],
  [{ [ENDPOINT]: 'ftp://me:pw@c/?key=s3cret' }, `${ENDPOINT}: 'ftp://***@c/?key=***' is no http:// or https:// URL; nothing is sent there`],
])('%j switches sending off', async (env, line) => {
  const { otlp, problems } = await read({ env });
  expect(await readLines({ env })).toEqual([line]);
  expect(otlp.traces).toMatchObject({ destination: null, configured: true, reason: expect.stringContaining('is no endpoint') as unknown });
  expect(problems[0]!.strict).toBe(true);
});

test('an invalid protocol switches sending off', async () => {
  const { otlp } = await read({ env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'thrift' } });
  expect(otlp.traces).toMatchObject({ destination: null, reason: 'the value of OTEL_EXPORTER_OTLP_PROTOCOL is invalid' });
});

test.each<[Record<string, string>, string]>([
  [{ [ENDPOINT]: 'http://c:4318/v1/traces' }, `${ENDPOINT}: the path /v1/traces is appended to it, and it ends with it already (write http://c:4318)`],
  [{ [ENDPOINT]: 'https://u:p@c/otel/v1/traces/?k=v' }, `${ENDPOINT}: the path /v1/traces is appended to it, and it ends with it already (write https://c/otel?k=***)`],
  [{ [TRACES]: 'http://c:4318' }, `${TRACES}: an endpoint of one signal is used as it is: traces go to the path /, not /v1/traces (write http://c:4318/v1/traces)`],
  [{ ...grpc, [ENDPOINT]: 'http://c:4317/x' }, `${ENDPOINT}: gRPC has no path: '/x' is not used`],
])('%j is doubtful', async (env, line) => {
  const { problems } = await read({ env });
  expect(problems.map((problem) => [formatProblem(problem), problem.strict])).toEqual([[line, false]]);
});

test.each([
  ['nothing', {}, false],
  ['an endpoint', { env: { [ENDPOINT]: 'http://localhost:4318' } }, true],
  ['a flag', { flags: { endpoint: 'http://localhost:4318' } }, true],
  ['a protocol', { env: grpc }, true],
  ['a header', { env: { OTEL_EXPORTER_OTLP_HEADERS: 'a=b' } }, true],
  ['the exporter by name', { env: { OTEL_TRACES_EXPORTER: 'otlp' } }, true],
  ['another exporter', { env: { OTEL_TRACES_EXPORTER: 'console' } }, false],
  ['a timeout', { env: { OTEL_EXPORTER_OTLP_TIMEOUT: '1' } }, false],
])('%s: a backend is configured or not', async (_, request, configured) => {
  const { traces } = (await read(request)).otlp;
  expect([traces.configured, traces.destination?.undelivered]).toEqual([configured, configured ? 'keep' : 'drop']);
});

test.each([
  ['the flag over the variable of the signal', { flags: { endpoint: 'http://flag' }, env: { [TRACES]: 'http://env/x' } }, 'http://flag/v1/traces'],
  ['the general variable over the file of the signal', { env: { [ENDPOINT]: 'http://env' }, yaml: 'otlp: { traces: { endpoint: http://file/x } }\n' }, 'http://env/v1/traces'],
  ['the file', { yaml: 'otlp:\n  endpoint: http://${HOST:-file}:4318\n' }, 'http://file:4318/v1/traces'],
])('%s', async (_, request, url) => {
  expect((await read(request)).otlp.traces.destination?.url).toBe(url);
});

test('all of a destination', async () => {
  const cwd = makeProject();
  const env = {
    [ENDPOINT]: 'https://c',
    OTEL_EXPORTER_OTLP_TIMEOUT: '5000',
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '0',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    OTEL_EXPORTER_OTLP_CERTIFICATE: 'ca.pem',
    OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE: '/c.pem',
    OTEL_EXPORTER_OTLP_CLIENT_KEY: '/k.pem',
  };
  expect((await read({ env, cwd })).otlp.traces.destination).toEqual({
    kind: 'otlp',
    signal: 'traces',
    protocol: 'http/protobuf',
    url: 'https://c/v1/traces',
    headers: {},
    timeoutMs: 2 ** 31 - 1,
    compression: 'gzip',
    tls: { ca: join(cwd, 'ca.pem'), cert: '/c.pem', key: '/k.pem' },
    undelivered: 'keep',
  });
});

test.each<[string, Parameters<typeof read>[0], Record<string, string>]>([
  ['a variable', { env: { OTEL_EXPORTER_OTLP_HEADERS: 'Api-Key=a%3Db,x-two = 2 ' } }, { 'api-key': 'a=b', 'x-two': '2' }],
  ['raw spaces and equals signs', { env: { OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Basic dXNlcg==' } }, { authorization: 'Basic dXNlcg==' }],
  ['general and signal together', { env: { OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=1', OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'b=2' } }, { a: '1', b: '2' }],
  ['a flag over both', { flags: { header: ['B=${V}'] }, env: { V: '3', OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'b=2,a=1' } }, { a: '1', b: '3' }],
  ['a default in a flag', { flags: { header: ['a=x ${V:-y}'] } }, { a: 'x y' }],
  ['a file', { env: { TOKEN: 't' }, yaml: 'otlp: { headers: { Authorization: "Bearer ${TOKEN}" } }\n' }, { authorization: 'Bearer t' }],
  ['user and password of the URL', { env: { [ENDPOINT]: 'https://me:p%40w@c' } }, { authorization: `Basic ${Buffer.from('me:p@w').toString('base64')}` }],
  ['a header before user and password', { env: { [ENDPOINT]: 'https://me:pw@c', OTEL_EXPORTER_OTLP_HEADERS: 'authorization=x' } }, { authorization: 'x' }],
])('headers of %s', async (_, request, headers) => {
  const { otlp, problems } = await read(request);
  expect([otlp.traces.destination?.headers, problems]).toEqual([headers, []]);
  expect(otlp.traces.destination?.url).not.toContain('@');
});

test('--header name=@file reads the file', async () => {
  const cwd = makeProject({ token: ' s3cret\n', empty: '\n' });
  const { otlp, problems } = await read({ cwd, flags: { header: ['a=@token', `b=@${join(cwd, 'token')}`, 'c=@missing', 'd=@empty'] } });
  expect(otlp.traces.destination?.headers).toEqual({ a: 's3cret', b: 's3cret' });
  expect(problems.map(({ message, strict }) => [message.replace(cwd, ''), strict])).toEqual([
    ["--header: '/missing' cannot be read (ENOENT); the header 'c' is not sent", true],
    ["--header: '/empty' is empty; the header 'd' is not sent", true],
  ]);
});

test.each<[string, Parameters<typeof read>[0], string[]]>([
  ['a literal value on the command line', { flags: { header: ['a=s3cret'] } }, ["--header: others can read the value of 'a' on the command line (write 'a=@file' or 'a=${VARIABLE}')"]],
  ['a variable that is not set', { flags: { header: ['a=${V}'] } }, ["--header: V is not set; the header 'a' is not sent"]],
  ['no name', { flags: { header: ['s3cret'] } }, ['--header: a value is no name=value; it is not used']],
  ['no name in a variable', { env: { OTEL_EXPORTER_OTLP_HEADERS: 's3cret,a=1' } }, ['OTEL_EXPORTER_OTLP_HEADERS: a part is no name=value; it is not sent']],
  ['a name that is none', { env: { OTEL_EXPORTER_OTLP_HEADERS: 'a b=s3cret' } }, ["OTEL_EXPORTER_OTLP_HEADERS: 'a b' is no name of a header; it is not sent"]],
  ['a line break', { env: { OTEL_EXPORTER_OTLP_HEADERS: 'a=s3cret%0d%0aX: y' } }, ["OTEL_EXPORTER_OTLP_HEADERS: the value of the header 'a' holds characters that no header may have; it is not sent"]],
  ['a percent sign', { env: { OTEL_EXPORTER_OTLP_HEADERS: 'a=s3cret%' } }, ["OTEL_EXPORTER_OTLP_HEADERS: the value of 'a' is no valid percent-encoding; sent as it stands (write % as %25)"]],
  ['a variable of a file that is not set', { yaml: 'otlp: { headers: { a: "s3cret ${V}" } }\n' }, ['otel-run.config.yaml:1:23 otlp.headers.a: V is not set; the header is not sent (set it, or write ${V:-} to do without)']],
  ['a map where text is expected', { yaml: 'otlp: { headers: { a: { b: s3cret } } }\n' }, ['otel-run.config.yaml:1:23 otlp.headers.a: expected one value, found a map; it is not used']],
])('%s is said without the value', async (_, request, lines) => {
  const said = await readLines(request);
  expect(said).toEqual(lines);
  expect(said.join()).not.toContain('s3cret');
});

test.each<[string, Parameters<typeof read>[0], string[]]>([
  ['headers', { env: { OTEL_EXPORTER_OTLP_HEADERS: 'a=1', OTEL_EXPORTER_OTLP_LOGS_HEADERS: 'b=1' } }, ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_LOGS_HEADERS']],
  ['variables that headers name', { flags: { header: ['authorization=Bearer ${ACME}'] }, env: { ACME: 'x' } }, ['ACME']],
  ['variables of headers in a file', { yaml: 'otlp: { headers: { x: "${ACME_TOKEN}" } }\n', env: { ACME_TOKEN: 'x' } }, ['ACME_TOKEN']],
  ['a URL with a password', { env: { [ENDPOINT]: 'https://me:pw@c' } }, [ENDPOINT]],
  ['nothing in what every process needs', { flags: { header: ['x-host=${HOSTNAME}', 'authorization=${HOME}'] }, env: { HOSTNAME: 'h', HOME: '/' } }, []],
])('credentials: %s', async (_, request, names) => {
  expect((await read(request)).credentials).toEqual(names);
});

test.each([
  ['https://me:pw@c/x', 'https://***@c/x'],
  ['me:pw@c:1', '***@c:1'],
  ['http://c/?key=a&b=c#d=e', 'http://c/?key=***&b=***#d=***'],
  ['http://c/?s3cret', 'http://c/?***'],
  ['http://c/a@b', 'http://c/a@b'],
])('%s is shown as %s', (url, shown) => {
  expect(maskUrl(url)).toBe(shown);
});
