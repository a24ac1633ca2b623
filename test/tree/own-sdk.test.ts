/**
 * An application with an SDK or agent of its own: what that sends is the same as without otel-run, ours sends nothing
 * from then on, and one line says so.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { nodes } from '../harness/nodes.ts';
import { makeCertificates, startReceiver } from '../harness/receiver.ts';
import { otelRun, plainNode } from '../harness/run.ts';
import { outline } from '../harness/traced.ts';
import { listenAsDatadog, listenAsElastic, listenAsNewRelic, listenAsSentry, type Listener } from './listeners.ts';

beforeAll(() => ensureApps(['sdks', 'sdk1', 'sentry8', 'sentry10', 'sentry11', 'apms', 'express5']), 300_000);
const scratch = mkdtempSync(join(tmpdir(), 'own-sdk-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const apps = fileURLToPath(new URL('../apps/', import.meta.url));
const newest = nodes.node26 ?? process.execPath;
const oldest = nodes.node20min ?? newest;
const sdkLine = "otel-run: the application sets up OpenTelemetry itself: otel-run leaves this process's traces to it.\n";
const agentLine = (name: string): string => `otel-run: ${name} is active in this application and keeps its telemetry; otel-run adds none`;

interface Compared {
  readonly node?: string;
  readonly words: readonly string[];
  /** A backend of the application's own, one for each of the two runs. */
  readonly listen: () => Promise<Listener>;
  readonly env: (port: number) => Record<string, string>;
}

/** Runs it under otel-run and without: the same words and, at its own backend, the same spans. */
async function compare({ node = newest, words, listen, env }: Compared) {
  const [ours, own, before] = await Promise.all([startReceiver(), listen(), listen()]);
  try {
    const [result, plain] = await Promise.all([
      otelRun({ node, cwd: apps, args: ['node', ...words], env: { OTEL_EXPORTER_OTLP_ENDPOINT: ours.httpUrl, OTEL_RUN_WAIT: 'true', ...env(own.port) } }),
      plainNode({ node, cwd: apps, args: words, env: env(before.port) }),
    ]);
    expect({ ...result, stderr: plain.stderr, pid: 0 }).toEqual({ ...plain, pid: 0 });
    expect(result.exitCode).toBe(0);
    expect(own.spans()).toEqual(before.spans());
    return { line: result.stderr, stdout: result.stdout, own: own.spans(), ours: ours.spans };
  } finally {
    await Promise.all([ours.close(), own.close(), before.close()]);
  }
}

/** Our receiver, as a backend of the application's own. */
async function listenAsOtlp(): Promise<Listener> {
  const receiver = await startReceiver();
  return { port: Number(new URL(receiver.httpUrl).port), spans: () => outline(receiver.spans).concat(receiver.errors), close: () => receiver.close() };
}

describe.each([
  ['OpenTelemetry SDK 2', 'sdks', newest],
  ['OpenTelemetry SDK 1', 'sdk1', oldest],
])('%s', (_, folder, node) => {
  const env = (port: number): Record<string, string> => ({ OWN_ENDPOINT: `http://127.0.0.1:${port}` });
  const spans = ['client GET', '  server GET', 'client GET', '  server GET', 'client GET', '  server GET'];

  test.each([
    ['set up in code', [`${folder}/otel-in-code.cjs`]],
    ['by --require on the command line', ['--require', `./${folder}/otel-preload.cjs`, `${folder}/otel-preloaded.cjs`]],
    ['by --import on the command line', ['--import', `./${folder}/otel-preload.mjs`, `${folder}/otel-preloaded.cjs`]],
  ])('%s', { timeout: 60_000 }, async (_, words) => {
    const { line, own, ours } = await compare({ node, words, listen: listenAsOtlp, env });
    expect(own).toEqual(spans);
    expect(line).toBe(sdkLine);
    expect(ours).toEqual([]);
  });

  test.each(['--require', '--import'])('by %s in NODE_OPTIONS', { timeout: 60_000 }, async (flag) => {
    const preload = `./${folder}/otel-preload.${flag === '--import' ? 'mjs' : 'cjs'}`;
    const { line, own, ours } = await compare({ node, words: [`${folder}/otel-preloaded.cjs`], listen: listenAsOtlp, env: (port) => ({ ...env(port), NODE_OPTIONS: `${flag} ${preload}` }) });
    expect(own).toEqual(spans);
    expect(line).toBe(sdkLine);
    expect(ours).toEqual([]);
  });

  test('set up when http is loaded', { timeout: 60_000 }, async () => {
    const { line, stdout, ours } = await compare({ node, words: [`${folder}/otel-late.cjs`], listen: listenAsOtlp, env });
    expect(stdout).toContain('in a span that records: true');
    expect(line).toBe(sdkLine);
    expect(ours).toEqual([]);
  });
});

describe('dd-trace', () => {
  const env = (port: number): Record<string, string> => ({ DD_TRACE_AGENT_URL: `http://127.0.0.1:${port}`, DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false', DD_REMOTE_CONFIGURATION_ENABLED: 'false', DD_TRACE_STARTUP_LOGS: 'false' });
  const spans = ['http.request', 'http.request', 'http.request', 'web.request', 'web.request', 'web.request'];

  test.each([
    ['in code', ['sdks/dd-trace.cjs'], spans],
    ['in code, after http', ['sdks/dd-trace-late.cjs'], null],
    ['in code of an ES module', ['sdks/dd-trace.mjs'], null],
    ['in code, with Express and requests within requests', ['sdks/dd-trace-shop.cjs'], null],
  ])('started %s', { timeout: 60_000 }, async (_, words, expected) => {
    const { line, own, ours } = await compare({ words, listen: listenAsDatadog, env });
    if (expected !== null) expect(own.filter((name) => name.endsWith('request'))).toEqual(expected);
    expect(line).toBe(`${agentLine('dd-trace')} from now on.\n`);
    expect(ours).toEqual([]);
  });

  test('named in NODE_OPTIONS', { timeout: 60_000 }, async () => {
    const init = join(apps, 'sdks/node_modules/dd-trace/init.js');
    const { line, own, ours } = await compare({ words: ['sdks/dd-trace.cjs'], listen: listenAsDatadog, env: (port) => ({ ...env(port), NODE_OPTIONS: `--require ${init}` }) });
    expect(own).not.toEqual([]);
    expect(line).toBe(`${agentLine('dd-trace')}.\n`);
    expect(ours).toEqual([]);
  });

  test.each([
    ['loaded and not started', 'sdks/dd-trace-idle.cjs', {}],
    ['switched off', 'sdks/dd-trace.cjs', { DD_TRACE_ENABLED: 'false' }],
  ])('%s: ours traces', { timeout: 60_000 }, async (_, script, more) => {
    expect(await traceIdle(script, { ...env(9), ...more })).toContain('client GET');
  });
});

/** Runs an application whose own agent makes no spans: ours do, of which there are six or more, and no line is said. */
async function traceIdle(script: string, env: Record<string, string>): Promise<string[]> {
  const ours = await startReceiver();
  try {
    const { stderr } = await otelRun({ node: newest, cwd: apps, args: ['node', script], env: { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: ours.httpUrl } });
    expect(stderr).not.toContain('otel-run');
    await ours.waitForSpans(6);
    return outline(ours.spans).map((line) => line.trim());
  } finally {
    await ours.close();
  }
}

describe('newrelic', () => {
  const certificates = makeCertificates(scratch);
  const detections = ['AWS', 'AZURE', 'AZUREFUNCTION', 'DOCKER', 'GCP', 'KUBERNETES', 'PCF'].map((place) => [`NEW_RELIC_UTILIZATION_DETECT_${place}`, 'false']);
  const env = (port: number): Record<string, string> => ({
    NEW_RELIC_APP_NAME: 'its-own',
    NEW_RELIC_LICENSE_KEY: '0'.repeat(40),
    NEW_RELIC_HOST: 'localhost',
    NEW_RELIC_PORT: String(port),
    NEW_RELIC_LOG_ENABLED: 'false',
    NODE_EXTRA_CA_CERTS: certificates.ca,
    ...Object.fromEntries(detections),
  });

  test('required in code', { timeout: 60_000 }, async () => {
    const { line, stdout, own, ours } = await compare({ words: ['apms/with-newrelic.cjs'], listen: () => listenAsNewRelic(certificates), env });
    expect(own.filter((name) => name.startsWith('Transaction'))).toEqual([...Array(2).fill('Transaction WebTransaction/Expressjs/GET//orders/:order root'), ...Array(4).fill('Transaction WebTransaction/Expressjs/GET//stock/:item below')]);
    expect(own.filter((name) => name.startsWith('Span External/'))).toHaveLength(4);
    expect(own).toContain('metric WebTransaction  6');
    expect(stdout).toMatch(/^\/stock\/one\?by=http traceparent:0:2 tracestate$/m);
    expect(line).toBe(`${agentLine('newrelic')} from now on.\n`);
    expect(ours).toEqual([]);
  });

  test.each([
    ['switched off', { NEW_RELIC_ENABLED: 'false' }],
    ['without a licence key', { NEW_RELIC_LICENSE_KEY: '' }],
  ])('%s: ours traces', { timeout: 60_000 }, async (_, more) => {
    expect(await traceIdle('apms/idle-newrelic.cjs', { ...env(9), ...more })).toContain('server GET /orders/:order');
  });
});

describe('elastic-apm-node', () => {
  const env = (port: number): Record<string, string> => ({ OWN_ENDPOINT: `http://127.0.0.1:${port}` });

  test('started in code', { timeout: 60_000 }, async () => {
    const { line, stdout, own, ours } = await compare({ words: ['apms/with-elastic.cjs'], listen: listenAsElastic, env });
    expect(own).toEqual([
      ...Array(4).fill('span GET 127.0.0.1 success below'),
      ...Array(2).fill('transaction GET /orders/:order success root'),
      ...Array(4).fill('transaction GET /stock/:item success below'),
    ]);
    expect(stdout).toMatch(/^\/stock\/one\?by=http traceparent:0:2 tracestate$/m);
    expect(line).toBe(`${agentLine('elastic-apm-node')} from now on.\n`);
    expect(ours).toEqual([]);
  });

  test('switched off: ours traces', { timeout: 60_000 }, async () => {
    expect(await traceIdle('apms/idle-elastic.cjs', {})).toContain('server GET /orders/:order');
  });
});

describe('Sentry', () => {
  const env = (port: number): Record<string, string> => ({ OWN_DSN: `http://key@127.0.0.1:${port}/1` });

  test.each([
    ['8', 'sentry8/sentry.cjs', oldest],
    ['10', 'sentry10/sentry.cjs', newest],
  ])('%s', { timeout: 60_000 }, async (version, script, node) => {
    const { line, stdout, own, ours } = await compare({ node, words: [script], listen: listenAsSentry, env });
    expect(own.length).toBeGreaterThan(0);
    expect(stdout).toContain('in a span that records: true');
    expect(line).toBe(sdkLine);
    expect(ours).toEqual([]);
  });

  // From 11 on it registers no SDK of OpenTelemetry.
  test.each([
    ['CommonJS', 'sentry11/sentry.cjs', oldest],
    ['an ES module', 'sentry11/sentry.mjs', newest],
  ])('11, in %s', { timeout: 60_000 }, async (_, script, node) => {
    const { line, own, ours } = await compare({ node, words: [script], listen: listenAsSentry, env });
    expect(own).toEqual(['dropped 3 span: no_parent_span', 'span http.server GET /one below', 'span http.server GET /three below', 'span http.server GET /two below']);
    expect(line).toBe(`${agentLine('Sentry')} from now on.\n`);
    expect(ours).toEqual([]);
  });

  test.each([
    ['10', 'GET /orders/:order root: middleware.express request_handler.express http.client http.client', sdkLine],
    ['11', 'span http.client GET 127.0.0.1 /stock/one below', `${agentLine('Sentry')} from now on.\n`],
  ])('%s, with Express and requests within requests', { timeout: 60_000 }, async (version, span, expected) => {
    const { line, stdout, own, ours } = await compare({ words: [`sentry${version}/shop.cjs`], listen: listenAsSentry, env });
    expect(stdout).toMatch(/^\/stock\/one\?by=http baggage sentry-trace:0:2$/m);
    expect(own).toContain(span);
    expect(line).toBe(expected);
    expect(ours).toEqual([]);
  });

  test('11, for errors alone: it gets them, and ours traces', { timeout: 60_000 }, async () => {
    const own = await listenAsSentry();
    try {
      const spans = await traceIdle('sentry11/errors.cjs', env(own.port));
      // Its own requests are requests of the application.
      expect(spans.filter((name) => name !== 'client POST')).toEqual(['client GET', 'server GET', 'client GET', 'server GET', 'client GET', 'server GET']);
      expect(own.spans()).toEqual(['dropped 3 span: no_parent_span', 'error on purpose']);
    } finally {
      await own.close();
    }
  });
});
