/** redis and ioredis against a real Redis: command and number of keys; never a key, never a value. */
import { beforeAll, describe, expect, test } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { familyCells, playFamily } from '../harness/family.ts';
import type { ReceivedSpan } from '../harness/receiver.ts';
import { describeWithServices } from '../services/index.ts';

beforeAll(() => ensureApps(['redis4', 'redis5', 'redis6', 'ioredis5', 'ioredis6']), 300_000);

const WRONG_TYPE = ['WRONGTYPE', 'WRONGTYPE Operation against a key holding the wrong kind of value'];
const UNKNOWN = ['ERR', "ERR unknown command 'NOSUCHCOMMAND', with args beginning with: ?"];
const IN_SCRIPT = 'raised by code in the database';

/** Parent's name ('' for none), operation, text; code and words of an error: in the order of test/fixtures/redis/play-redis.cjs. */
const NODE_REDIS = [
  ['', 'SET', 'SET [1 key]'],
  ['parent', 'GET', 'GET [1 key]'],
  ['', 'MSET', 'MSET [2 keys]'],
  ['', 'MGET', 'MGET [2 keys]'],
  ['', 'HSET', 'HSET [1 key]'],
  ['', 'EVAL', 'EVAL [1 key]'],
  ['', 'ECHO', 'ECHO'],
  ['multi', 'MULTI', 'SET [1 key]'],
  ['multi', 'MULTI', 'GET [1 key]'],
  ['pipeline', 'PIPELINE SET', 'SET [1 key]'],
  ['pipeline', 'PIPELINE SET', 'SET [1 key]'],
  ['', 'LPUSH', 'LPUSH [1 key]', ...WRONG_TYPE],
  ['', 'NOSUCHCOMMAND', 'NOSUCHCOMMAND [1 key]', ...UNKNOWN],
  ['', 'EVAL', 'EVAL', 'BROKEN', IN_SCRIPT],
  ['', 'EVAL', 'EVAL', 'ERR', IN_SCRIPT],
  ['', 'MULTI', 'SET [1 key]'],
  ['', 'MULTI', 'LPUSH [1 key]', ...WRONG_TYPE],
  ['', 'DEL', 'DEL [4 keys]'],
];

/** The same of play-ioredis.cjs. What a queued command's reply is in `exec`, the instrumentation does not see. */
const IOREDIS = [
  ['', 'set', 'SET [1 key]'],
  ['parent', 'get', 'GET [1 key]'],
  ['', 'mset', 'MSET [2 keys]'],
  ['', 'mget', 'MGET [2 keys]'],
  ['', 'hset', 'HSET [1 key]'],
  ['', 'eval', 'EVAL [1 key]'],
  ['', 'ECHO', 'ECHO'],
  ['multi', 'multi', 'MULTI'],
  ['multi', 'MULTI set', 'SET [1 key]'],
  ['multi', 'MULTI get', 'GET [1 key]'],
  ['multi', 'exec', 'EXEC'],
  ['pipeline', 'PIPELINE set', 'SET [1 key]'],
  ['pipeline', 'PIPELINE set', 'SET [1 key]'],
  ['', 'lpush', 'LPUSH [1 key]', ...WRONG_TYPE],
  ['', 'NOSUCHCOMMAND', 'NOSUCHCOMMAND [1 key]', ...UNKNOWN],
  ['', 'eval', 'EVAL', 'BROKEN', IN_SCRIPT],
  ['', 'eval', 'EVAL', 'ERR', IN_SCRIPT],
  ['', 'multi', 'MULTI'],
  ['', 'MULTI set', 'SET [1 key]'],
  ['', 'MULTI lpush', 'LPUSH [1 key]'],
  ['', 'exec', 'EXEC'],
  ['', 'del', 'DEL [4 keys]'],
  ['', 'quit', 'QUIT'],
];
/** What ioredis says by itself while it connects. The first command waits for that, and is sent twice. */
const HANDSHAKE = new Set(['client', 'hello', 'info']);

describeWithServices('Redis', ['redis'], (servers) => {
  describe.each([
    ['redis4', NODE_REDIS],
    ['redis5', NODE_REDIS],
    ['redis6', NODE_REDIS],
    ['ioredis5', IOREDIS],
    ['ioredis6', IOREDIS],
  ] as const)('%s', (app, expected) => {
    test.each(familyCells)('$name', { timeout: 60_000 }, async ({ node, kind }) => {
      const spans = await playFamily({ node, app: `${app}/commands`, kind, env: () => ({ REDIS_URL: servers.redis.url, KEY: `planted-${app}` }) });
      const calls = spans.filter(({ attributes }) => attributes['db.system.name'] === 'redis');
      for (const span of calls) expect(span).toMatchObject({ kind: 'client', attributes: { 'server.address': servers.redis.host, 'server.port': servers.redis.port } });
      expect(calls.filter(({ name }) => name.endsWith('connect'))).toHaveLength(1);

      const commands = calls.filter(({ attributes }) => attributes['db.operation.name'] !== undefined && !HANDSHAKE.has(String(attributes['db.operation.name'])));
      // Commands that are sent together may begin in the same microsecond.
      expect(commands.map((span) => describeCommand(span, spans)).sort()).toEqual([...expected].sort());
      for (const span of commands.filter(({ status }) => status.code === 'error')) {
        expect(span.attributes['db.response.status_code']).toBe(span.attributes['error.type']);
        expect(span.events.map(({ name }) => name)).toEqual(['exception']);
      }
    });
  });
});

function describeCommand({ attributes, status, parentSpanId }: ReceivedSpan, spans: readonly ReceivedSpan[]): unknown[] {
  const parent = spans.find(({ spanId }) => spanId === parentSpanId)?.name ?? parentSpanId;
  const failure = status.code === 'error' ? [attributes['error.type'], status.message] : [];
  return [parent, attributes['db.operation.name'], attributes['db.query.text'], ...failure];
}
