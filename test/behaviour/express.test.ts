/** Express 4 and 5: the route is the server span's name; spans of layers as asked for. */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { cells, nodes } from '../harness/nodes.ts';
import type { ReceivedSpan } from '../harness/receiver.ts';
import { outline, runTraced } from '../harness/traced.ts';

const apps = fileURLToPath(new URL('../apps/', import.meta.url));
const majors = ['express4', 'express5'];
beforeAll(() => ensureApps(majors), 300_000);

describe.each(majors)('%s', (major) => {
  it.each(cells())('$name: a span a request, named by its route', { timeout: 60_000 }, async ({ node, kind, topology }) => {
    const { result, spans } = await runTraced({ node, topology, args: ['node', `${major}/server.${kind}`], cwd: apps }, isLast);
    expect(result).toMatchObject({ stdout: '', stderr: '', exitCode: 0 });
    expect(spans.filter(({ kind }) => kind !== 'client').map(describeRequest)).toEqual([
      'server GET /u/:id 200 /u/7 unset',
      'server GET /shops/:shop/items/:item 200 /shops/a/items/b unset',
      'server GET /fails 500 /fails error',
      'server GET 404 /nowhere unset',
      'server GET /u/:id 200 /u/last unset',
    ]);
  });

  // The layers of Express 4 have a `query` and an `expressInit` of their own.
  const own = major === 'express4' ? ['    internal middleware - query', '    internal middleware - expressInit'] : [];
  it.each([
    { layers: 'none', below: [] },
    { layers: 'handlers', below: ['    internal request handler - /u/:id'] },
    { layers: 'all', below: [...own, '    internal middleware - passes', '    internal request handler - /u/:id'] },
  ])('makes spans of its layers when asked for: $layers', { timeout: 60_000 }, async ({ layers, below }) => {
    const env = { OTEL_RUN_EXPRESS_LAYERS: layers };
    const { spans } = await runTraced({ node: nodes.node24, args: ['node', `${major}/server.cjs`], cwd: apps, env }, isLast);
    const first = spans.find(({ kind, attributes }) => kind === 'server' && attributes['url.path'] === '/u/7');
    const trace = spans.filter(({ traceId }) => traceId === first?.traceId);
    expect(outline(trace)).toEqual(['client GET', '  server GET /u/:id', ...below]);
  });
});

function isLast({ kind, attributes }: ReceivedSpan): boolean {
  return kind === 'client' && String(attributes['url.full']).endsWith('/u/last');
}

function describeRequest({ kind, name, attributes, status }: ReceivedSpan): string {
  return `${kind} ${name} ${attributes['http.response.status_code']} ${attributes['url.path']} ${status.code}`;
}
