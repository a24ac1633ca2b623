import { expect, test } from 'vitest';
import type { DecodedSpan } from '../../src/view/decode.ts';
import { drawTrace, type TreeOptions } from '../../src/view/tree.ts';
import { TRACE, exception, span } from './spans.ts';

const draw = (spans: readonly DecodedSpan[], options: Partial<TreeOptions> = {}): string =>
  drawTrace(spans, { colour: false, width: 120, ...options });
const tree = (drawing: string): string => `\n${drawing}`;

const order = [
  span('a', '', 'GET /orders/:id', [0, 45.2], {
    kind: 'server',
    attributes: { 'http.request.method': 'GET', 'http.route': '/orders/:id', 'url.path': '/orders/7', 'http.response.status_code': 200 },
  }),
  span('b', 'a', 'SELECT shop', [3, 3.1], {
    kind: 'client',
    status: { code: 'error', message: 'failed' },
    events: [exception('DatabaseError', 'relation "orders" does not exist')],
    attributes: { 'db.system.name': 'postgresql', 'db.namespace': 'shop', 'db.query.text': 'SELECT *\n  FROM orders\n  WHERE id = $1', 'server.address': 'db', 'server.port': 5432 },
  }),
  span('c', 'b', 'pg.connect', [3, 1]),
  span('d', 'a', 'GET', [10, 30], { kind: 'client', attributes: { 'http.request.method': 'GET', 'url.full': 'http://shipping:8080/quote?x=1', 'http.response.status_code': 503 } }),
  span('e', 'd', 'GET /quote', [12, 25], { kind: 'server', service: 'shipping', parentIsRemote: true, attributes: { 'http.request.method': 'GET', 'http.route': '/quote', 'url.path': '/quote', 'http.response.status_code': 503 } }),
  span('f', 'e', 'price books', [13, 20], { service: 'shipping', attributes: { 'shop.items': 3, 'thread.id': 1 } }),
  span('g', 'a', 'publish orders', [41, 2], { kind: 'producer', attributes: { 'messaging.system': 'kafka', 'messaging.destination.name': 'orders-v1' } }),
];

test('a trace is drawn as a tree', () => {
  expect(tree(draw(order))).toBe(`
trace 0af7651916cd43dd8448eb211c80319c  7 spans  45 ms  1 error
   45 ms ━━━━━━━━━━━━━━━━ [orders] GET /orders/:id  server  200  /orders/7
  3.1 ms  ━               ├─ SELECT shop  client  postgresql  db:5432  SELECT * FROM orders WHERE id = $1
                          │  │  error: DatabaseError: relation "orders" does not exist
  1.0 ms  ━               │  └─ pg.connect
   30 ms    ━━━━━━━━━━━   ├─ GET  client  503  http://shipping:8080/quote?x=1
   25 ms     ━━━━━━━━━    │  └─ [shipping] GET /quote  server  503
   20 ms     ━━━━━━━      │     └─ price books  shop.items=3
  2.0 ms               ━  └─ publish orders  producer  kafka  orders-v1
`);
});

test('the order in which spans arrive, and arriving twice, change nothing', () => {
  expect(draw([...order].reverse())).toBe(draw(order));
  expect(draw([...order, ...order])).toBe(draw(order));
});

test('a narrow terminal gets no bars, and no line is wider than it', () => {
  const drawing = draw(order, { width: 60 });
  expect(tree(drawing)).toBe(`
trace 0af7651916cd43dd8448eb211c80319c  7 spans  45 ms  1 e…
   45 ms [orders] GET /orders/:id  server  200  /orders/7
  3.1 ms ├─ SELECT shop  client  postgresql  db:5432  SELEC…
         │  │  error: DatabaseError: relation "orders" does…
  1.0 ms │  └─ pg.connect
   30 ms ├─ GET  client  503  http://shipping:8080/quote?x=1
   25 ms │  └─ [shipping] GET /quote  server  503
   20 ms │     └─ price books  shop.items=3
  2.0 ms └─ publish orders  producer  kafka  orders-v1
`);
});

test('spans without their parent are roots with a mark', () => {
  const drawing = draw([
    span('a', 'remote01234', 'GET /quote', [0, 4], { parentIsRemote: true }),
    span('b', 'gone', 'orphan', [1, 1], { parentIsRemote: false }),
    span('c', 'd', 'hen', [2, 1]),
    span('d', 'c', 'egg', [2.5, 1]),
    span('e', 'e', 'ouroboros', [3, 1]),
  ]);
  expect(tree(drawing)).toBe(`
trace 0af7651916cd43dd8448eb211c80319c  5 spans  4.0 ms
  4.0 ms ━━━━━━━━━━━━━━━━ ⋯ [orders] GET /quote  (parent remote01 is elsewhere)
  1.0 ms     ━━━━         ⋯ [orders] orphan  (parent gone is missing)
  1.0 ms         ━━━━     ⋯ [orders] hen  (its own ancestor)
  1.0 ms           ━━━━   └─ egg
  1.0 ms             ━━━━ ⋯ [orders] ouroboros  (its own ancestor)
`);
});

test('spans that come late are drawn below what was drawn before', () => {
  expect(tree(draw([span('z', 'a', 'flush', [50, 1])], { drawn: new Map([['a', 'GET /orders/:id']]) }))).toBe(`
trace 0af7651916cd43dd8448eb211c80319c  late: 1 span  1.0 ms
  1.0 ms ━━━━━━━━━━━━━━━━ ⋯ [orders] flush  (under GET /orders/:id)
`);
});

test.each<[string, DecodedSpan, string]>([
  ['old HTTP names', span('a', '', 'GET /x', [0, 1], { kind: 'server', attributes: { 'http.method': 'GET', 'http.target': '/x?y', 'http.status_code': 404 } }), 'GET /x  server  404  /x?y'],
  ['a query', span('a', '', 'GET /x', [0, 1], { kind: 'server', attributes: { 'http.request.method': 'GET', 'url.path': '/x', 'url.query': 'y=1' } }), 'GET /x  server  /x?y=1'],
  ['a call of AWS', span('a', '', 'S3.PutObject', [0, 1], { kind: 'client', attributes: { 'rpc.system': 'aws-api', 'rpc.service': 'S3', 'rpc.method': 'PutObject', 'aws.s3.bucket': 'labels', 'cloud.region': 'eu-west-1' } }), 'S3.PutObject  client  aws-api  labels  eu-west-1'],
  ['a batch of messages', span('a', '', 'orders process', [0, 1], { kind: 'consumer', attributes: { 'messaging.system': 'kafka', 'messaging.destination.name': 'orders', 'messaging.batch.message_count': 3 } }), 'orders process  consumer  kafka  ×3'],
  ['links, events and losses', span('a', '', 'job', [0, 1], { links: [{ traceId: '', spanId: '', attributes: {} }], events: [{ timeNano: 0n, name: 'tick', attributes: {} }], droppedCounts: { attributes: 2, events: 0, links: 0 } }), 'job  1 event  1 link  2 dropped by limits'],
  ['no name', span('a', '', '', [0, 1]), '(no name)'],
  ['an end before the start', span('a', '', 'clock', [5, -3]), '       ? ━                [orders] clock'],
  ['a list', span('a', '', 'job', [0, 1], { attributes: { list: ['x', 'y'] } }), 'job  list=[x, y]'],
])('%s', (_, one, expected) => {
  expect(draw([one]).split('\n')[1]!.trimEnd()).toMatch(new RegExp(`${expected.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`));
});

test('an HTTP status is error enough', () => {
  const failed = { kind: 'server', status: { code: 'error', message: '' } } as const;
  const http = { 'http.request.method': 'GET', 'http.response.status_code': 500, 'error.type': '500' };
  expect(draw([span('a', '', 'GET /x', [0, 1], { ...failed, attributes: http })])).not.toContain('error:');
  expect(draw([span('a', '', 'GET /x', [0, 1], { ...failed, attributes: { ...http, 'error.type': 'ECONNRESET' } })])).toContain('error: ECONNRESET');
  expect(draw([span('a', '', 'job', [0, 1], { status: { code: 'error', message: '' } })])).toMatch(/ error$/m);
});

const hostile = ['\x1b]0;owned\x07', '\x1b[2J\x1b[31m', 'a\r\nb', '\x9b31m', '\u202egnp', '\u2066x', '\u2028', 'a\0b', '\u200b', '\ud800', 'x\u{e0041}'];

test.each(hostile)('control characters in %j reach no terminal', (text) => {
  const drawing = draw([
    span('a', '', text, [0, 1], { service: text, attributes: { [text]: text }, status: { code: 'error', message: text } }),
    span('b', 'a', 'GET', [0, 1], { kind: 'client', attributes: { 'http.request.method': text, 'url.full': text, 'http.response.status_code': text } }),
    span('c', text, 'SELECT', [0, 1], { attributes: { 'db.system.name': text, 'db.query.text': text }, events: [exception(text, text)] }),
    span('d', 'a', 'send', [0, 1], { attributes: { 'messaging.system': text, 'messaging.destination.name': [text] } }),
  ]);
  expect(drawing).not.toMatch(/[^\P{C}\n]|[\u2028\u2029]/u);
  expect(drawing.split('\n').length).toBeLessThanOrEqual(9);
});

test('colours are there when they are asked for, and are all that is added', () => {
  const coloured = draw(order, { colour: true });
  expect(coloured).toContain('\x1b[31mSELECT shop\x1b[0m');
  expect(coloured).toContain('\x1b[31merror: DatabaseError');
  expect(coloured).toContain('GET /orders/:id');
  expect(coloured.replace(/\x1b\[\d+m/g, '')).toBe(draw(order));
});

test('what is too much is counted', () => {
  const many = [span('a', '', 'job', [0, 500])];
  for (let i = 0; i < 400; i++) many.push(span(`n${i}`, 'a', i % 4 === 0 ? 'GET' : 'SELECT', [i, 1], { status: { code: i === 399 ? 'error' : 'unset', message: '' } }));
  const lines = draw(many).split('\n');
  expect(lines[0]).toBe(`trace ${TRACE}  401 spans  500 ms  1 error`);
  expect(lines).toHaveLength(104); // the title, the root, 100 children, the rest, the end of the last line
  expect(lines[102]!.trim()).toBe('└─ … 300 more spans, 1 error among them: SELECT ×225, GET ×75');
  expect(draw(many, { maxLines: 10 }).split('\n').slice(-2)[0]!.trim()).toBe('… 392 more spans not shown');
  expect(draw(many, { omitted: 1_000_000 })).toContain('1,000,401 spans');
});

test('a chain and a crowd of 100,000 spans are drawn in bounds', () => {
  const chain = Array.from({ length: 100_000 }, (_, i) => span(`${i}`, i === 0 ? '' : `${i - 1}`, 'step', [i, 1]));
  const crowd = Array.from({ length: 100_000 }, (_, i) => span(`${i}`, `gone ${i}`, 'step', [i, 1]));
  expect(draw(chain)).toMatch(/99,\d{3} spans deeper/);
  expect(draw(chain).length).toBeLessThan(20_000);
  expect(draw(crowd)).toContain('99,900 more spans: step ×99900');
  expect(draw(crowd).length).toBeLessThan(20_000);
}, 60_000);

test('values of a megabyte and a million entries cost no more than what is shown', () => {
  const huge = span('a', '', 'x'.repeat(1e6), [0, 1], { attributes: { long: 'y'.repeat(1e6), list: Array.from({ length: 1e6 }, () => 'z') }, status: { code: 'error', message: 'e'.repeat(1e6) } });
  expect(draw([huge]).length).toBeLessThan(500);
});
