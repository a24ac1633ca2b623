/**
 * W3C context: what a caller sends is continued, the application's own spans join in whichever copy of the API
 * it brings, and what it calls is sent on.
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { cells, nodes } from '../harness/nodes.ts';
import type { ReceivedSpan } from '../harness/receiver.ts';
import { outline, runTraced } from '../harness/traced.ts';

const apps = fileURLToPath(new URL('../apps/', import.meta.url));
const copies = ['api14', 'api19', 'api110'];
const scratch = mkdtempSync(join(tmpdir(), 'otel-run-context-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
beforeAll(() => ensureApps(copies), 300_000);

const remote = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };

describe.each(cells())('$name', ({ node, kind, topology }) => {
  it.each(copies)("%s: the caller's trace goes through the application's own spans to whom it calls", { timeout: 60_000 }, async (copy) => {
    const { result, spans } = await runTraced({ node, topology, args: ['node', `${copy}/own-spans.${kind}`], cwd: apps }, isOuterServer);
    expect(result).toMatchObject({ stderr: '', exitCode: 0 });
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([remote.traceId]));
    expect(outline(spans)).toEqual(['server GET', '  internal outer', '    producer child', '      client GET', '        server GET']);

    const named = (name: string) => spans.find((span) => span.name === name);
    expect(spans.find(isOuterServer)?.parentSpanId).toBe(remote.spanId);
    expect(named('outer')).toMatchObject({ attributes: { 'test.n': 1 }, scope: { name: 'shop', version: '1.2.3' } });
    expect(named('child')).toMatchObject({ status: { code: 'error', message: 'too heavy' }, events: [{ name: 'packed', attributes: { boxes: 2 } }] });

    const client = spans.find(({ kind }) => kind === 'client');
    expect(JSON.parse(result.stdout)).toEqual({ traceparent: `00-${remote.traceId}-${client?.spanId}-01`, tracestate: 'vendor=x', baggage: 'user=ada' });
  });
});

it('goes through an application without a copy of the API', { timeout: 60_000 }, async () => {
  cpSync(join(apps, 'own-spans.cjs'), join(scratch, 'own-spans.cjs'));
  writeFileSync(join(scratch, 'server.cjs'), "require('./own-spans.cjs')();\n");
  const { spans } = await runTraced({ node: nodes.node24, args: ['node', 'server.cjs'], cwd: scratch }, isOuterServer);
  expect(outline(spans)).toEqual(['server GET', '  client GET', '    server GET']);
  expect(spans.find(isOuterServer)?.parentSpanId).toBe(remote.spanId);
});

function isOuterServer({ kind, attributes }: ReceivedSpan): boolean {
  return kind === 'server' && attributes['url.path'] === '/outer';
}
