import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { findOnPath } from '../../scripts/setup/command.mjs';
import { openDesk, requestServer } from './desk.ts';
import { exportOverGrpc, exportOverHttp, makeIds } from './export-span.ts';
import type { Door } from './export-span.ts';
import { describeWithServices, waitForSpans } from './index.ts';
import { readKafkaMetadata } from './kafka.ts';
import { sendRedisCommand, start as startRedis } from './redis.ts';
import { waitFor } from './server.ts';

const run = promisify(execFile);

describeWithServices('PostgreSQL', ['postgres'], (servers) => {
  test('answers a query', async () => {
    const sql = "create temp table t (v jsonb); insert into t values ('{\"a\": 7}'); select v->>'a' from t";
    const { stdout } = await run('psql', ['-X', '-q', '-A', '-t', '-c', sql, servers.postgres.url]);
    expect(stdout.trim()).toBe('7');
  });
});

describeWithServices('Redis', ['redis'], (servers) => {
  test('keeps a value', async () => {
    expect(await sendRedisCommand(servers.redis.port, 'SET services:test seven')).toBe('+OK');
    expect(await sendRedisCommand(servers.redis.port, 'STRLEN services:test')).toBe(':5');
  });
});

describeWithServices('Kafka', ['kafka'], (servers) => {
  test('makes a topic and elects its leader', async () => {
    const { port, brokers } = servers.kafka;
    await waitFor('the topic', 20_000, async () => {
      const { topicErrors } = await readKafkaMetadata(port, ['services-test']);
      return topicErrors['services-test'] === 0;
    });
    expect((await readKafkaMetadata(port)).brokers).toEqual(brokers);
  });
});

describeWithServices('moto', ['moto'], (servers) => {
  const call = async (action: string, body: object): Promise<Record<string, unknown>> => {
    const response = await fetch(servers.moto.endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `AmazonSQS.${action}`,
        authorization: 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0',
      },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(200);
    return (await response.json()) as Record<string, unknown>;
  };

  test('gives message attributes to a receiver that asks for them, and to no other', async () => {
    const { QueueUrl } = await call('CreateQueue', { QueueName: 'services-test' });
    const attribute = { traceparent: { DataType: 'String', StringValue: '00-1-2-01' } };
    for (const _message of [1, 2]) await call('SendMessage', { QueueUrl, MessageBody: 'm', MessageAttributes: attribute });
    const silent = await call('ReceiveMessage', { QueueUrl });
    const asking = await call('ReceiveMessage', { QueueUrl, MessageAttributeNames: ['All'] });
    expect(silent.Messages).toEqual([expect.not.objectContaining({ MessageAttributes: expect.anything() })]);
    expect(asking.Messages).toEqual([expect.objectContaining({ MessageAttributes: attribute })]);
  });
});

describeWithServices('the Collector', ['collector'], (servers) => {
  const doors: [string, () => { http: Door; grpc: Door }][] = [
    ['plain', () => doorsTo(servers.collector)],
    ['TLS with a token', () => doorsTo(servers.collector.token)],
    ['TLS with a client certificate', () => doorsTo(servers.collector.mutual)],
  ];

  test.each(doors)('writes down what comes in: %s', async (_title, find) => {
    const [overHttp, overGrpc] = [makeIds(), makeIds()];
    expect(await exportOverHttp(find().http, overHttp)).toBe(200);
    expect(await exportOverGrpc(find().grpc, overGrpc)).toBe(0);
    const spans = await waitForSpans(servers.collector, ({ spanId }) => [overHttp.spanId, overGrpc.spanId].includes(spanId), 2);
    expect(spans.map(({ traceId }) => traceId).sort()).toEqual([overHttp.traceId, overGrpc.traceId].sort());
    expect(spans.find(({ spanId }) => spanId === overHttp.spanId)).toMatchObject({
      name: 'by hand',
      kind: 2,
      resource: { 'service.name': 'by-hand' },
    });
  });

  test('refuses a wrong token, no token, no client certificate, and is refused without its authority', async () => {
    const { token, mutual } = servers.collector;
    const UNAUTHENTICATED = 16;
    expect(await exportOverHttp({ url: token.http, ca: token.ca, authorization: 'Bearer wrong' }, makeIds())).toBe(401);
    expect(await exportOverHttp({ url: token.http, ca: token.ca }, makeIds())).toBe(401);
    expect(await exportOverGrpc({ url: token.grpc, ca: token.ca }, makeIds())).toBe(UNAUTHENTICATED);
    await expect(exportOverHttp({ url: mutual.http, ca: mutual.ca }, makeIds())).rejects.toThrow(/alert|socket hang up|ECONNRESET/);
    await expect(exportOverHttp({ url: token.http, authorization: token.authorization }, makeIds())).rejects.toThrow(/certificate/);
  });
});

describeWithServices('Jaeger', ['jaeger'], (servers) => {
  test('answers with a trace that was sent to it, over HTTP and over gRPC', async () => {
    for (const send of [exportOverHttp, exportOverGrpc]) {
      const ids = makeIds();
      await send({ url: send === exportOverHttp ? servers.jaeger.http : servers.jaeger.grpc }, ids);
      await waitFor('the trace', 10_000, async () => {
        const response = await fetch(`${servers.jaeger.query}/api/traces/${ids.traceId}`);
        return response.ok && (await response.text()).includes(ids.spanId);
      });
    }
  });
});

describeWithServices('servers of a run', ['redis'], () => {
  test('are started once, and one that was killed is not started again', async () => {
    const desk = await openDesk();
    try {
      const [one, other] = await Promise.all([requestServer(desk.url, 'redis'), requestServer(desk.url, 'redis')]);
      expect(one).toEqual(other);
      process.kill(one.pid, 'SIGKILL');
      await expect
        .poll(() => requestServer(desk.url, 'redis').catch((error: Error) => error.message), { timeout: 5000 })
        .toBe('redis ended during the run (SIGKILL)');
      await expect(sendRedisCommand(one.port, 'PING')).rejects.toThrow('ECONNREFUSED');
    } finally {
      expect(await desk.close()).toEqual(['redis ended during the run (SIGKILL)']);
    }
  });

  test('are gone when the run closes', async () => {
    const desk = await openDesk();
    const { port, logFile } = await requestServer(desk.url, 'redis');
    expect(await desk.close()).toEqual([]);
    await expect(sendRedisCommand(port, 'PING')).rejects.toThrow('ECONNREFUSED');
    expect(existsSync(path.dirname(logFile))).toBe(false);
  });

  test.skipIf(!findOnPath('setpriv'))('are gone when the run is killed (Linux, by setpriv)', async () => {
    const holder = spawn(process.execPath, [path.join(import.meta.dirname, 'fixtures/hold-redis.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(holder.stdout), 'line')) as [string];
    const { port } = JSON.parse(line) as { port: number };
    expect(await sendRedisCommand(port, 'PING')).toBe('+PONG');
    holder.kill('SIGKILL');
    const isGone = (): Promise<boolean> => sendRedisCommand(port, 'PING').then(() => false, () => true);
    await waitFor('the server to end', 10_000, isGone);
  });

  test('can be had apart from it, to be killed by a test', async () => {
    const own = await startRedis();
    process.kill(own.pid, 'SIGKILL');
    expect(await own.ended).toBe('SIGKILL');
    expect(readFileSync(own.logFile, 'utf8')).toContain('Ready to accept connections');
    await own.stop();
  });
});

describe('a server that does not start', () => {
  test('is reported with its last words', async () => {
    const { makeServerDir, startServer } = await import('./server.ts');
    const launch = {
      name: 'broken',
      command: process.execPath,
      args: ['-e', 'console.error("no such key in the configuration"); process.exit(3)'],
      dir: makeServerDir('broken'),
      stopSignal: 'SIGTERM' as const,
      isReady: async () => false,
    };
    await expect(startServer(launch, {})).rejects.toThrow(/broken ended at its start \(exit code 3\)\nno such key/);
    expect(existsSync(launch.dir)).toBe(false);
  });
});

function doorsTo({ http, grpc, ...rest }: { http: string; grpc: string } & Omit<Door, 'url'>): { http: Door; grpc: Door } {
  return { http: { ...rest, url: http }, grpc: { ...rest, url: grpc } };
}
