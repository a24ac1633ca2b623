/**
 * HTTP of Node, fetch, axios and got: each request one client span and one server span, in one trace, with what
 * the semantic conventions say of failures.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { cells } from '../harness/nodes.ts';
import { makeCertificates, type ReceivedSpan } from '../harness/receiver.ts';
import { outline, runTraced, versionOf } from '../harness/traced.ts';

const apps = fileURLToPath(new URL('../apps/', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'otel-run-http-'));
const certificates = makeCertificates(scratch);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
beforeAll(() => ensureApps(['main']), 300_000);

/** What is to be seen of each call, by the last part of its path. */
const expected: Readonly<Record<string, readonly string[]>> = {
  'http.get': ['client GET unset 200', '  server GET unset 200'],
  request: ['client GET unset 200', '  server GET unset 200'],
  'https.get': ['client GET unset 200', '  server GET unset 200'],
  fetch: ['client GET unset 200', '  server GET unset 200'],
  axios: ['client GET unset 200', '  server GET unset 200'],
  got: ['client GET unset 200', '  server GET unset 200'],
  'status-500': ['client GET error 500 500', '  server GET error 500 500'],
  'status-404': ['client GET error 404 404', '  server GET unset 404'],
  // The server cuts its answer off; the client gives its request up.
  cut: ['client GET error 200 aborted', '  server GET unset 200 aborted'],
  'given-up': ['client GET error ECONNRESET', '  server GET unset 200 aborted'],
  refused: ['client GET error ECONNREFUSED'],
  'refused-fetch': ['client GET error ECONNREFUSED'],
  last: ['client GET unset 200', '  server GET unset 200'],
};

describe.each(cells())('$name', ({ node, kind, topology }) => {
  it('makes one client and one server span of every request, joined by its headers', { timeout: 60_000 }, async () => {
    const env = { CERT: certificates.cert, KEY: certificates.key };
    const isLast = ({ kind, attributes }: ReceivedSpan) => kind === 'client' && callOf(attributes) === 'last';
    const { result, spans } = await runTraced({ node, topology, args: ['node', `main/web.${kind}`], cwd: apps, env }, isLast);

    expect(result).toMatchObject({ stderr: '', exitCode: 0 });
    expect(Object.fromEntries(byCall(spans))).toEqual(expected);
    expect(new Set(spans.map(({ resource }) => resource['process.runtime.version']))).toEqual(new Set([versionOf(node)]));

    const sent = JSON.parse(result.stdout) as Record<string, string>;
    for (const [call, traceparent] of Object.entries(sent)) {
      const client = spans.find((span) => span.kind === 'client' && callOf(span.attributes) === call);
      expect(traceparent).toBe(`00-${client?.traceId}-${client?.spanId}-01`);
    }
  });
});

function byCall(spans: readonly ReceivedSpan[]): Map<string, string[]> {
  const traces = [...new Set(spans.map(({ traceId }) => traceId))].map((id) => spans.filter(({ traceId }) => traceId === id));
  return new Map(traces.map((trace) => [callOf(trace[0]!.attributes), outline(trace, describeSpan)]));
}

function callOf(attributes: ReceivedSpan['attributes']): string {
  return String(attributes['url.path'] ?? attributes['url.full']).split('/').at(-1)!;
}

function describeSpan({ kind, name, status, attributes }: ReceivedSpan): string {
  return [kind, name, status.code, attributes['http.response.status_code'], attributes['error.type']].filter((part) => part !== undefined).join(' ');
}
