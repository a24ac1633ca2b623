import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { traces } from '../../src/commands/traces.ts';
import { createStoreExporter } from '../../src/export/store.ts';
import { traceBatch, traceId } from './requests.ts';

let home: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'otel-run-traces-'));
  const store = createStoreExporter({ dir: join(home, '.local/state/otel-run/traces'), capBytes: 1024 * 1024 });
  const keep = (batch: Parameters<typeof store.export>[0]) => store.export(batch, AbortSignal.timeout(5000));
  await keep(traceBatch('orders', { trace: 'aa11', id: '02', parent: '01', name: 'SELECT', at: 5, failed: true }, { trace: 'bb', id: '09', name: 'old job', at: -5000, length: 2000 }));
  await keep(traceBatch('shipping', { trace: 'aa11', id: '03', parent: '02', remote: true, name: 'POST /quotes', at: 6, length: 3 }));
  await keep(traceBatch('orders', { trace: 'aa11', id: '01', name: 'GET /orders/:id', length: 20 }));
  await keep(traceBatch('orders', { trace: 'aa12', id: '01', name: 'GET \x1b]0;x\x07', at: 100 }));
  await store.close();
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

async function ask(words: string[], env: Record<string, string> = { HOME: home }): Promise<{ code: number; text: string }> {
  let text = '';
  const code = await traces(words, { env, cwd: home, dist: '', say() {}, print: (more) => void (text += more) });
  return { code, text };
}

test('traces are listed newest first', async () => {
  const { code, text } = await ask([]);
  expect(code).toBe(0);
  expect(text).toMatch(/^TRACE {5}AGE +SERVICE +ROOT +DURATION {2}SPANS {2}ERRORS\n/);
  expect(text.split('\n').slice(1, 4).map((line) => line.replace(/\s{2,}\d+ days ago\s{2,}/, ' | ').replace(/\s{2,}/g, ' | '))).toEqual([
    'aa120000 | orders | GET \\x1b]0;x\\x07 | 1.0 ms | 1',
    'aa110000 | orders +1 | GET /orders/:id | 20 ms | 3 | 1',
    'bb000000 | orders | old job | 2.00 s | 1',
  ]);
});

test('--limit says how many are left out', async () => {
  expect((await ask(['--limit', '1'])).text).toContain('2 older traces not shown (--limit 3)');
});

test('one trace is drawn as a tree, across services', async () => {
  expect(`\n${(await ask(['AA11'])).text}`).toBe(`
trace aa110000000000000000000000000000  3 spans  20 ms  1 error
   20 ms ━━━━━━━━━━━━━━━━ [orders] GET /orders/:id
  1.0 ms     ━            └─ SELECT
                             │  error
  3.0 ms     ━━              └─ [shipping] POST /quotes
`);
});

test('the last trace has a name', async () => expect((await ask(['last'])).text).toContain(traceId('aa12')));

test('--json is for machines', async () => {
  const list = JSON.parse((await ask(['--json'])).text) as { traceId: string }[];
  expect(list.map((trace) => trace.traceId)).toEqual([traceId('aa12'), traceId('aa11'), traceId('bb')]);
  expect(list[1]).toMatchObject({ service: 'orders', services: ['orders', 'shipping'], root: 'GET /orders/:id', durationMs: 20, spans: 3, errors: 1 });
  const one = JSON.parse((await ask(['aa11', '--json'])).text) as { spans: object[] };
  expect(one.spans).toHaveLength(3);
  expect(one.spans[2]).toMatchObject({ name: 'GET /orders/:id', startTimeUnixNano: '1700000000000000000', resource: { 'service.name': 'orders' } });
});

test('without traces it says what to type, and why there may be none', async () => {
  const { code, text } = await ask([], { HOME: '/nonexistent' });
  expect(code).toBe(0);
  expect(text).toMatch(/^No traces yet in \/nonexistent\/.local\/state\/otel-run\/traces\. Run: otel-run node server\.js\nKept are those of this user, .*\bterminal\b/s);
  expect((await ask([], { HOME: '/nonexistent', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://u:p@h:4318' })).text).toContain('traces go to http://h:4318/v1/traces.');
  expect(await ask([], {})).toEqual({ code: 0, text: 'No traces: there is no home to keep them in, and no OTEL_RUN_STATE_DIR.\n' });
  expect(await ask(['--json'], {})).toEqual({ code: 0, text: '[]\n' });
});

test('another state directory is another store', async () => {
  expect((await ask([], { XDG_STATE_HOME: join(home, '.local/state') })).text).toContain('old job');
  expect((await ask([], { HOME: home, OTEL_RUN_STATE_DIR: '/nonexistent' })).text).toContain('No traces yet');
});

test.each<[string[], RegExp, RegExp]>([
  [['aa'], /2 traces begin with aa: aa12.* \(orders GET .*\), aa11.* \(orders GET \/orders\/:id\)/, /more of its id/],
  [['aa19'], /no trace here begins with aa19; nearest: aa120000, aa110000/, /otel-run traces lists them/],
  [['cc'], /no trace here begins with cc$/, /otel-run traces lists them/],
  [['orders'], /'orders' is no trace id: those are hexadecimal/, /otel-run traces lists them/],
  [['--limit', 'x'], /--limit x is no number above 0/, /^usage/],
  [['--jsn'], /--jsn/, /^usage/],
  [['aa', 'bb'], /one trace at a time: aa bb/, /^usage/],
])('otel-run traces %j fails with words', async (words, message, hint) => {
  await expect(ask(words)).rejects.toMatchObject({ message: expect.stringMatching(message), hint: expect.stringMatching(hint) });
});

test('words of an error are neutralised too', async () => {
  await expect(ask(['aa1'])).rejects.toMatchObject({ message: expect.not.stringContaining('\x1b') });
  await expect(ask(['\x1b[31m'])).rejects.toMatchObject({ message: expect.not.stringContaining('\x1b') });
});
