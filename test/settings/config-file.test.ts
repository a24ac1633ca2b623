import { symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { CONFIG_NAMES } from '../../src/settings/find-config.ts';
import { readSettingsSync } from '../../src/settings/read-sync.ts';
import { makeProject, read, readLines, type Request } from './project.ts';

const yaml = 'environment: found\n';
const json = '{\n\t"environment": "found"\n}\n';

test.each(CONFIG_NAMES.filter((name) => name !== 'package.json'))('%s is found', async (name) => {
  const cwd = makeProject({ [name]: name.endsWith('.json') ? json : yaml });
  const settings = await read({ cwd });
  expect([settings.environment.value, settings.file, settings.problems]).toEqual(['found', join(cwd, name), []]);
});

test('.otel-runrc may hold JSON', async () => {
  expect((await read({ files: { '.otel-runrc': json } })).environment.value).toBe('found');
});

test('the key in package.json is found, with its position', async () => {
  const settings = await read({ files: { 'package.json': '{\n  "name": "a\\/b",\n  "name": "twice",\n  "otel-run": {\n    "environment": "found", "x": 1\n  }\n}\n' } });
  expect(settings.environment).toMatchObject({ value: 'found', origin: { line: 5, column: 20 } });
  expect(settings.problems.map(({ message }) => message)).toEqual([expect.stringMatching(/^package\.json:5:29: unknown key 'x'/)]);
});

test.each([
  ['no key', '{ "name": "x", "devDependencies": { "otel-run": "1" } }'],
  ['no JSON', '{ "otel-run": { '],
  ['an empty key', '{ "otel-run": {} }'],
])('package.json with %s holds nothing', async (_, text) => {
  const settings = await read({ files: { 'package.json': text } });
  expect([settings.environment.value, settings.problems]).toEqual([null, []]);
});

test.each([
  ['the first package.json', { 'inner/package.json': '{}' }, null],
  ['the first .git', { 'inner/.git/HEAD': '' }, null],
  ['nothing in between', { 'inner/x': '' }, 'found'],
])('the search goes up to %s', async (_, files, value) => {
  const cwd = makeProject({ 'otel-run.config.yaml': yaml, ...files });
  expect((await read({ cwd: join(cwd, 'inner') })).environment.value).toBe(value);
});

test('the search ends at home, inclusive', async () => {
  const cwd = makeProject({ 'otel-run.config.yaml': yaml, 'home/app/x': '' });
  const app = join(cwd, 'home/app');
  expect((await read({ cwd: app, home: join(cwd, 'home') })).file).toBeNull();
  expect((await read({ cwd: app, env: { HOME: join(cwd, 'home') } })).file).toBeNull();
  expect((await read({ cwd: app, home: cwd })).environment.value).toBe('found');
});

test('the nearest folder wins, and in a folder the first name; what is passed over is said', async () => {
  const cwd = makeProject({ 'otel-run.config.yaml': 'environment: far\n', 'inner/.otel-runrc': 'environment: near\n', 'inner/.config/otel-run.yaml': 'environment: third\n' });
  const settings = await read({ cwd: join(cwd, 'inner') });
  expect(settings.environment.value).toBe('near');
  expect(settings.problems).toMatchObject([{ message: 'otel-run.yaml: not read: .otel-runrc stands beside it and wins', strict: false }]);
});

test.each(['', '\n', '# nothing\n', '---\n', '{}', 'null\n'])('a file that says nothing (%j) is no problem', async (text) => {
  expect(await readLines({ yaml: text })).toEqual([]);
});

test('a byte order mark is no part of the first key', async () => {
  expect((await read({ yaml: `\ufeff${yaml}` })).environment.value).toBe('found');
  expect((await read({ files: { 'package.json': '\ufeff{ "otel-run": { "environment": "found" } }' } })).environment.value).toBe('found');
});

test('--config names a file, and no other is searched for', async () => {
  const cwd = makeProject({ 'otel-run.config.yaml': 'environment: searched\n', 'sub/named.conf': 'environment: named\n' });
  expect((await read({ cwd, flags: { config: 'sub/named.conf' } })).environment.value).toBe('named');
  expect((await read({ cwd, env: { OTEL_RUN_CONFIG: 'sub/named.conf' } })).environment.value).toBe('named');
  expect((await read({ cwd, flags: { config: 'sub/named.conf' }, env: { OTEL_RUN_NO_CONFIG: 'true' } })).environment.value).toBe('named');
});

test.each<Request>([{ flags: { 'no-config': true } }, { env: { OTEL_RUN_NO_CONFIG: 'true' } }, { env: { OTEL_RUN_CONFIG: 'otel-run.config.yaml' }, flags: { 'no-config': true } }])('%j reads none', async (request) => {
  expect((await read({ ...request, yaml })).file).toBeNull();
});

test.each([
  ['missing', { flags: { config: 'missing.yaml' } }, /^--config: '.*missing\.yaml' cannot be read \(ENOENT\); no config file is used$/],
  ['a folder', { env: { OTEL_RUN_CONFIG: '.git' } }, /^OTEL_RUN_CONFIG: '.*' is no regular file; no config file is used$/],
])('a file that is named and %s', async (_, request, line) => {
  const { problems } = await read(request);
  expect(problems).toMatchObject([{ message: expect.stringMatching(line) as unknown, strict: true, severity: 'error' }]);
});

test.each([
  ['a: [1\n', /^otel-run\.config\.yaml:2:1: Flow sequence in block collection must be .*; the file is not used$/],
  ['environment: a\nenvironment: b\n', /^otel-run\.config\.yaml:2:1: the key 'environment' stands twice; the file is not used$/],
  ['a: *nowhere\n', /^otel-run\.config\.yaml:1:4: the alias 'nowhere' names no anchor; the file is not used$/],
  ['a: b: c\n', /^otel-run\.config\.yaml:1:4: Nested mappings are not allowed .*; the file is not used$/],
  ['- a\n', /^otel-run\.config\.yaml:1:1: expected keys with values; the file is not used$/],
  ['just text\n', /^otel-run\.config\.yaml:1:1: expected keys with values; the file is not used$/],
  ['a: 1\n---\nb: 2\n', /^otel-run\.config\.yaml:2:1: Source contains multiple documents; .*; the file is not used$/],
  ['otlp: { endpoint: ${A} }\n', /^otel-run\.config\.yaml:1:\d+: .*; the file is not used$/],
  ['a: !!js/function "function(){}"\n', /unknown key 'a'/],
  ['a: &x [*x]\n', /; the file is not used$/],
  ['['.repeat(1_000_000), /^otel-run\.config\.yaml:1:\d+: too deep; the file is not used$/],
  [Array.from({ length: 60_000 }, (_, index) => `key${index}: 1\n`).join(''), /too deep, too long/],
  [`${'a: {'.repeat(100)}${'}'.repeat(100)}\n`, /; the file is not used$/],
  [`a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n${[1, 2, 3, 4, 5, 6, 7, 8].map((n) => `a${n}: &a${n} [${Array(10).fill(`*a${n - 1}`).join(',')}]\n`).join('')}`, /too deep, too long, or an alias that holds itself; the file is not used$/],
])('%.40j is said, and everything else holds', async (text, line) => {
  const started = performance.now();
  const settings = await read({ yaml: text, env: { OTEL_SERVICE_NAME: 'still' } });
  expect(settings.problems).toMatchObject([{ message: expect.stringMatching(line) as unknown, strict: true }]);
  expect(settings.serviceName.value).toBe('still');
  expect(performance.now() - started).toBeLessThan(20_000);
});

test('keys of another program are not all listed', async () => {
  const lines = await readLines({ yaml: Array.from({ length: 50 }, (_, index) => `key${index}: 1\n`).join('') });
  expect([lines.length, lines.at(-1)]).toEqual([6, 'otel-run.config.yaml: 45 more keys are unknown']);
});

test('a reference without quotes in braces gets a hint', async () => {
  expect(await readLines({ yaml: 'otlp: { endpoint: ${A} }\n' })).toEqual([expect.stringMatching(/ \(inside \{ \} and \[ \] write "\$\{…\}" in quotes\)$/)]);
});

test('JSON with an error names line and column', async () => {
  expect(await readLines({ files: { 'otel-run.config.json': '{\n  "environment": "x",\n  "traces": { "sampler" "x" }\n}' } })).toEqual([expect.stringMatching(/^otel-run\.config\.json:3:/)]);
});

test.each([
  ['traces: { sampler: alwayson }\n', "otel-run.config.yaml:1:20 traces.sampler: 'alwayson' is not known; sampling 100 % instead (parentbased_always_on) (did you mean 'always_on'?)"],
  ['traces: { sampler: [a] }\n', 'otel-run.config.yaml:1:20 traces.sampler: expected one value, found a list; sampling 100 % instead (parentbased_always_on)'],
  ['traces: { exporters: { a: 1 } }\n', 'otel-run.config.yaml:1:22 traces.exporters: expected words, found a map; no traces are exported'],
  ['print: yes\n', "otel-run.config.yaml:1:8 print: 'yes' is neither true nor false; false instead"],
  ['batch: { delay: 1s }\n', "otel-run.config.yaml:1:17 batch.delay: '1s' is no whole number of milliseconds; 1000 instead (write 1000)"],
  ['resource: text\n', 'otel-run.config.yaml:1:11 resource: expected names with values; it is not used'],
  ['environment: ${STAGE}\n', 'otel-run.config.yaml:1:14 environment: STAGE is not set (${STAGE:-} if that is meant)'],
  ['environment: ${STA-GE}\n', "otel-run.config.yaml:1:14 environment: '${STA-GE}' names no variable and stands as it is (write ${NAME} or ${NAME:-default}; $$ is a dollar sign)"],
])('%j is said with its place', async (text, line) => {
  expect(await readLines({ yaml: text })).toEqual([line]);
});

test('an exporter that is no list of words switches traces off', async () => {
  expect((await read({ yaml: 'traces: { exporters: { a: 1 } }\n' })).values['traces.exporters'].value).toEqual([]);
});

test('every shape of value', async () => {
  const settings = await read({
    env: { STAGE: 'prod', YES: 'true', PART: 'a: b', NONE: 'null' },
    yaml: `
service: { name: "\${STAGE}-shop", version: 1.10 }
environment: \${STAGE}
print: \${YES}
wait: false
quiet: \${NONE}
traces:
  exporters: [otlp, Console]
  sample: .5
propagators: b3, baggage
redact:
  names: []
resource:
  text: |
    two
    lines
  dollars: $$\{STAGE}
  structure: \${PART}
  nothing:
  list: &anchor value
  again: *anchor
instrumentations:
  options:
    http:
      ignore: ["/\${STAGE}", 1, true, null, "1"]
      nested:
        \${STAGE}: \${YES}
    '@opentelemetry/instrumentation-pg':
      enhanced: \${YES}
`,
  });
  const { values } = settings;
  expect(settings.problems).toEqual([]);
  expect([settings.serviceName.value, settings.serviceVersion.value, settings.environment.value]).toEqual(['prod-shop', '1.10', 'prod']);
  expect([values.print.value, settings.wait.value, values.quiet.value]).toEqual([true, false, false]);
  expect([values['traces.exporters'].value, values['traces.sample'].value, values.propagators.value, values['redact.names'].value]).toEqual([['otlp', 'console'], 0.5, ['b3', 'baggage'], []]);
  expect(Object.fromEntries(Object.entries(settings.resource).map(([name, { value }]) => [name, value]))).toEqual({
    text: 'two\nlines', dollars: '${STAGE}', structure: 'a: b', list: 'value', again: 'value', 'deployment.environment.name': 'prod',
  });
  expect(settings.instrumentationOptions.value).toEqual({ http: { ignore: ['/prod', 1, true, null, '1'], nested: { '${STAGE}': true } }, pg: { enhanced: true } });
});

test('a symbolic link is followed, one that leads nowhere is no file', async () => {
  const cwd = makeProject({ 'real.yaml': yaml });
  symlinkSync('real.yaml', join(cwd, 'otel-run.config.yaml'));
  symlinkSync('nowhere', join(cwd, '.otel-runrc'));
  expect((await read({ cwd })).problems).toEqual([]);
  expect((await read({ cwd })).environment.value).toBe('found');
});

test('the synchronous reader reads the same', async () => {
  const cwd = makeProject({ 'otel-run.config.yaml': 'environment: found\ntraces: { sampller: x }\n' });
  const env = { OTEL_TRACES_SAMPLER: 'always_off' };
  expect(readSettingsSync({ env, cwd })).toEqual(await read({ env, cwd }));
});

test('parsers are loaded only where there is a file', async () => {
  const { execFileSync } = await import('node:child_process');
  const read = join(dirname(dirname(import.meta.dirname)), 'src/settings/read.ts');
  const script = `import { registerHooks } from 'node:module'; const seen = []; registerHooks({ resolve(s, c, n) { const r = n(s, c); seen.push(r.url); return r; } });
    const { readSettings } = await import(${JSON.stringify(read)}); await readSettings({ flags: {}, env: {}, cwd: process.argv[1] });
    console.log(seen.some((url) => /node_modules/.test(url)));`;
  const run = (cwd: string): string => execFileSync(process.execPath, ['--input-type=module', '-e', script, cwd], { encoding: 'utf8' }).trim();
  expect([run(makeProject({ 'package.json': '{ "dependencies": { "otel-run": "1" } }' })), run(makeProject({ '.otel-runrc': yaml }))]).toEqual(['false', 'true']);
  expect(basename(read)).toBe('read.ts');
});
