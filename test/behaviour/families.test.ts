/** Database, messaging and cloud libraries against real servers: what their spans must show, and what they must not. */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { ensureNodes } from '../../scripts/setup/nodes.mjs';
import { startReceiver, type ReceivedSpan } from '../harness/receiver.ts';
import { otelRun, plainNode, type RunResult } from '../harness/run.ts';
import { outline } from '../harness/traced.ts';
import { describeWithServices } from '../services/index.ts';

const nodes = await ensureNodes();
const cells = [
  ['oldest Node', 'CommonJS', nodes.node20min!],
  ['oldest Node', 'ES modules', nodes.node20min!],
  ['newest Node', 'CommonJS', nodes.node26!],
  ['newest Node', 'ES modules', nodes.node26!],
] as const;
const appFolder = (name: string): string => fileURLToPath(new URL(`../apps/${name}`, import.meta.url));
const fixture = (kind: string): string => fileURLToPath(new URL(`../fixtures/families/run.${kind === 'CommonJS' ? 'cjs' : 'mjs'}`, import.meta.url));

interface Played {
  readonly spans: readonly ReceivedSpan[];
  /** Everything that was sent, as text. */
  readonly sent: string;
}

/** Runs a family under otel-run and under plain node; asserts the same words and ending, and that nothing planted was sent. */
async function play(node: string, kind: string, family: string, app: string, env: (run: string) => Record<string, string>): Promise<Played> {
  const receiver = await startReceiver();
  const command = [fixture(kind), family, appFolder(app)];
  try {
    const traced = await otelRun({ node, args: [node, ...command], env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_RUN_WAIT: 'true', ...env('traced') }, timeoutMs: 60_000 });
    const plain = await plainNode({ node, args: command, env: env('plain'), timeoutMs: 60_000 });
    expect(wordsOf(traced)).toEqual(wordsOf(plain));
    expect(traced.stdout).toMatch(/done\n$/);
    const sent = receiver.requests.map(({ body }) => body.toString('latin1')).join('\n');
    expect([...sent.matchAll(/planted[\w-]*|4242424242|AKIA\w+/gi)].map(([found]) => found)).toEqual([]);
    return { spans: receiver.spans, sent };
  } finally {
    await receiver.close();
  }
}

const wordsOf = ({ stdout, stderr, exitCode, signal }: RunResult) => ({ stdout, stderr: stderr.replace(/\(node:\d+\)/g, '').replace(/-\d{6,}/g, ''), exitCode, signal });
const named = (spans: readonly ReceivedSpan[], name: string | RegExp): readonly ReceivedSpan[] => spans.filter((span) => (typeof name === 'string' ? span.name === name : name.test(span.name)));

beforeAll(() => ensureApps(['main', 'redis4', 'redis5', 'redis6', 'ioredis5', 'ioredis6']));

describeWithServices('PostgreSQL', ['postgres'], (servers) => {
  test.each(cells)('pg and pg-pool on %s, %s', async (_, kind, node) => {
    const { spans } = await play(node, kind, 'postgres', 'main', () => ({ DATABASE_URL: servers.postgres.url }));
    const queries = named(spans, /^pg\.query/);
    for (const query of queries) {
      expect(query).toMatchObject({ kind: 'client', attributes: { 'db.system.name': 'postgresql', 'db.namespace': servers.postgres.database, 'server.address': servers.postgres.host, 'server.port': servers.postgres.port } });
    }
    expect(queries.map((query) => query.attributes['db.query.text'])).toEqual(
      expect.arrayContaining(['SELECT ? AS a, ? AS b', 'SELECT $1::text AS a', 'SELECT ? + $1 AS two', 'SELECT ?', 'SELECT ?::int', 'SELEC ?']),
    );
    const failed = queries.filter(({ status }) => status.code === 'error');
    expect(failed.map(({ attributes }) => attributes['db.query.text']).sort()).toEqual(['SELEC ?', 'SELECT ?::int']);
    for (const span of failed) expect(span.status.message).toMatch(/invalid input syntax|syntax error/);
    expect(outline(spans)).toEqual(expect.arrayContaining(['internal parent', `  client pg.query:SELECT ${servers.postgres.database}`]));
    expect(named(spans, 'pg-pool.connect').length).toBeGreaterThan(0);
  });
});

describeWithServices('Redis', ['redis'], (servers) => {
  describe.each(['redis4', 'redis5', 'redis6'])('%s', (app) => {
    test.each(cells)('on %s, %s', async (_, kind, node) => {
      const { spans } = await play(node, kind, 'redis', app, () => ({ REDIS_URL: servers.redis.url }));
      const commands = spans.filter((span) => span.attributes['db.system.name'] === 'redis');
      const texts = commands.map((span) => span.attributes['db.query.text']);
      expect(texts).toEqual(expect.arrayContaining(['SET [1 key]', 'GET [1 key]', 'LPUSH [1 key]', 'DEL [1 key]']));
      for (const span of commands) expect(span).toMatchObject({ kind: 'client', attributes: { 'server.address': servers.redis.host, 'server.port': servers.redis.port } });
      expect(commands.find((span) => span.attributes['db.query.text'] === 'SET [1 key]')!.parentSpanId).toBe('');
      expect(commands.find((span) => span.attributes['db.query.text'] === 'GET [1 key]')!.parentSpanId).toBe(named(spans, 'parent')[0]!.spanId);
      expect(commands.find((span) => span.attributes['db.query.text'] === 'LPUSH [1 key]')!.status.code).toBe('error');
    });
  });

  describe.each(['ioredis5', 'ioredis6'])('%s', (app) => {
    test.each(cells)('on %s, %s', async (_, kind, node) => {
      const { spans } = await play(node, kind, 'ioredis', app, () => ({ REDIS_URL: servers.redis.url }));
      const commands = spans.filter((span) => span.attributes['db.system.name'] === 'redis');
      const texts = commands.map((span) => span.attributes['db.query.text']);
      expect(texts).toEqual(expect.arrayContaining(['SET [1 key]', 'GET [1 key]', 'LPUSH [1 key]', 'DEL [1 key]']));
      expect(named(spans, 'set')[0]!.parentSpanId).toBe('');
      expect(named(spans, 'get')[0]!.parentSpanId).toBe(named(spans, 'parent')[0]!.spanId);
      expect(named(spans, 'lpush')[0]!.status.code).toBe('error');
    });
  });
});

describeWithServices('Kafka', ['kafka'], (servers) => {
  test.each(cells)('kafkajs on %s, %s', async (_, kind, node) => {
    const topic = `families-${Date.now()}-${Math.random().toString(36).slice(2, 8)}`;
    const { spans } = await play(node, kind, 'kafka', 'main', (run) => ({ KAFKA_BROKERS: servers.kafka.brokers.join(','), TOPIC: `${topic}-${run}`, KAFKAJS_NO_PARTITIONER_WARNING: '1' }));
    const a = `${topic}-traced-a`;
    const b = `${topic}-traced-b`;
    const [sent] = named(spans, `send ${a}`);
    expect(sent).toMatchObject({ kind: 'producer', attributes: { 'messaging.system': 'kafka', 'messaging.destination.name': a, 'messaging.operation.type': 'send' } });
    expect(named(spans, `process ${a}`)).toMatchObject([{ kind: 'consumer', traceId: sent!.traceId, parentSpanId: sent!.spanId }]);
    const batch = named(spans, `send ${b}`);
    expect(batch).toHaveLength(2);
    const processed = named(spans, `process ${b}`);
    expect(processed).toHaveLength(2);
    for (const span of processed) expect(batch.map(({ spanId }) => spanId)).toContain(span.links[0]?.spanId ?? span.parentSpanId);
  }, 60_000);
});

describeWithServices('AWS', ['moto'], (servers) => {
  test.each(cells)('SDK v3 on %s, %s', async (_, kind, node) => {
    const name = `families-${Date.now()}-${Math.random().toString(36).slice(2, 8)}`;
    const { spans } = await play(node, kind, 'aws', 'main', (run) => ({ AWS_ENDPOINT: servers.moto.endpoint, NAME: `${name}-${run}` }));
    const calls = spans.filter((span) => span.attributes['rpc.system'] === 'aws-api');
    const methods = new Set(calls.map((span) => `${String(span.attributes['rpc.service'])}.${String(span.attributes['rpc.method'])}`));
    expect([...methods]).toEqual(expect.arrayContaining(['S3.PutObject', 'S3.GetObject', 'DynamoDB.PutItem', 'Lambda.ListFunctions', 'SQS.SendMessage', 'SQS.SendMessageBatch', 'SQS.ReceiveMessage', 'SNS.Publish']));
    for (const span of calls) expect(span.attributes['cloud.region']).toBe('us-east-1');
    expect(calls.find((span) => span.attributes['rpc.method'] === 'PutItem')!.attributes['aws.request.id']).toMatch(/\w{10,}/);
    expect(calls.find((span) => span.attributes['rpc.method'] === 'GetObject')!.status.code).toBe('error');

    const receives = calls.filter((span) => span.attributes['rpc.method'] === 'ReceiveMessage');
    const linked = receives.map((span) => span.links.map((link) => link.spanId));
    const idsOf = (method: string) => calls.filter((span) => span.attributes['rpc.method'] === method).map(({ spanId }) => spanId);
    const [first, second] = idsOf('SendMessage');
    expect(linked[0]).toEqual([first]);
    expect(linked[1]).toEqual([idsOf('SendMessageBatch')[0], idsOf('SendMessageBatch')[0]]);
    // Ten attributes of the application's own leave no room for the context, which then stays away.
    expect(linked.flat()).not.toContain(second);
    expect(linked.at(-1)).toEqual(idsOf('Publish'));
  }, 60_000);
});
