/** Fastify 4 and 5: the route is the server span's name. */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { cells } from '../harness/nodes.ts';
import { runTraced } from '../harness/traced.ts';

const apps = fileURLToPath(new URL('../apps/', import.meta.url));
const majors = ['fastify4', 'fastify5'];
beforeAll(() => ensureApps(majors), 300_000);

describe.each(majors)('%s', (major) => {
  it.each(cells())('$name: a span a request, named by its route', { timeout: 60_000 }, async ({ node, kind, topology }) => {
    const isLast = ({ kind: of, attributes }: { kind: string; attributes: Record<string, unknown> }): boolean => of === 'client' && String(attributes['url.full']).endsWith('/u/last');
    const { result, spans } = await runTraced({ node, topology, args: ['node', `${major}/server.${kind}`], cwd: apps }, isLast);
    expect(result).toMatchObject({ stdout: '', stderr: '', exitCode: 0 });
    const served = spans.filter((span) => span.kind === 'server').map(({ name, attributes }) => `${name} ${attributes['http.route']} ${attributes['http.response.status_code']} ${attributes['url.path']}`);
    expect(served).toEqual([
      'GET /u/:id /u/:id 200 /u/7',
      'GET /shops/:shop/items/:item /shops/:shop/items/:item 200 /shops/a/items/b',
      'GET /refused /refused 401 /refused',
      'GET /fails /fails 500 /fails',
      'GET undefined 404 /nowhere',
      'GET /u/:id /u/:id 200 /u/last',
    ]);
  });
});
