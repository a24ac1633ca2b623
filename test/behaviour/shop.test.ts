/**
 * The main job: two services, CommonJS and ES modules, with PostgreSQL, Redis, Kafka and AWS (moto), unchanged
 * under otel-run; one order is one trace, and it arrives in the OpenTelemetry Collector and in Jaeger.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { ensureNodes } from '../../scripts/setup/nodes.mjs';
import { drawTrace } from '../harness/draw-trace.ts';
import { closedPort } from '../harness/receiver.ts';
import { startShop, type ShopServers } from '../harness/shop.ts';
import { start as startRedis } from '../services/redis.ts';
import { describeWithServices, readLogs, readPoints, readSpans, waitForSpans, type CollectedPoint, type ReceivedSpan } from '../services/index.ts';

const nodes = await ensureNodes();
const newest = nodes.node26!;
const floor = nodes.node20min!;
const scratch = mkdtempSync(join(tmpdir(), 'shop-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const ORDER = `
shop-orders: POST /orders (server)
  shop-orders: GET (client)
    shop-shipping: GET /quote/:sku (server)
      shop-shipping: hincrby (client)
  shop-orders: pg-pool.connect (client)
  shop-orders: pg.query:INSERT postgres (client)
  shop-orders: pg-pool.connect (client)
  shop-orders: pg.query:INSERT postgres (client)
  shop-orders: redis-SET (client)
  shop-orders: S3.PutObject (client)
    shop-orders: PUT (client)
  shop-orders: DynamoDB.PutItem (client)
    shop-orders: POST (client)
  shop-orders: shop-orders send (producer)
    shop-orders: POST (client)
  shop-orders: send orders (producer)
    shop-shipping: process orders (consumer)
      shop-shipping: set (client)`;

/** The second way to shipping, by SNS and SQS, is joined by a link: a receive call may bring messages of many traces. */
const RECEIVE = 'shop-orders receive';

describeWithServices('the shop', ['postgres', 'redis', 'kafka', 'moto', 'collector', 'jaeger'], (servers) => {
  const token = () => {
    const file = join(scratch, 'authorization');
    writeFileSync(file, `${servers.collector.token.authorization}\n`);
    return file;
  };

  test.each([
    ['gRPC, newest Node, replace', newest, 'replace', () => ['--endpoint', servers.collector.grpc, '--protocol', 'grpc'], {}],
    ['HTTP/protobuf with gzip, newest Node, parent', newest, 'parent', () => ['--endpoint', servers.collector.http], { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }],
    ['gRPC with gzip, oldest Node', floor, 'parent', () => ['--endpoint', servers.collector.grpc, '--protocol', 'grpc'], { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }],
    ['HTTP/protobuf, oldest Node', floor, 'parent', () => ['--endpoint', servers.collector.http], {}],
    [
      'HTTP/protobuf over TLS with a token, newest Node, replace',
      newest,
      'replace',
      () => ['--endpoint', servers.collector.token.http, '--header', `authorization=@${token()}`],
      () => ({ OTEL_EXPORTER_OTLP_CERTIFICATE: servers.collector.token.ca }),
    ],
    [
      'gRPC over TLS with a token, newest Node, parent',
      newest,
      'parent',
      () => ['--endpoint', servers.collector.token.grpc, '--protocol', 'grpc', '--header', `authorization=@${token()}`],
      () => ({ OTEL_EXPORTER_OTLP_CERTIFICATE: servers.collector.token.ca }),
    ],
  ] as const)('one order is one trace in the Collector: %s', async (title, node, topology, options, env) => {
    const environment = title.replace(/[^a-z0-9]+/gi, '-');
    const mine = (span: ReceivedSpan): boolean => span.resource['deployment.environment.name'] === environment;
    const shop = await startShop(servers, {
      node,
      options: [...options(), '--environment', environment],
      env: { ...(typeof env === 'function' ? env() : env), OTEL_RUN_WAIT: String(topology === 'parent') },
    });
    try {
      await shop.order('mug');
    } finally {
      await shop.stop();
    }
    const [root] = await waitForSpans(servers.collector, (span) => mine(span) && span.name === 'POST /orders');
    await waitForSpans(servers.collector, (span) => span.traceId === root!.traceId, ORDER.trim().split('\n').length);
    expect(`\n${drawTrace(readSpans(servers.collector, mine), root!.traceId)}`).toBe(ORDER);

    const sent = readSpans(servers.collector, (span) => span.traceId === root!.traceId && span.name === 'shop-orders send');
    const received = await waitForSpans(servers.collector, (span) => mine(span) && span.name === RECEIVE && span.links.length > 0);
    expect(received[0]!.links).toMatchObject([{ traceId: root!.traceId, spanId: sent[0]!.spanId }]);

    const all = readSpans(servers.collector, mine);
    expect([...new Set(all.map((span) => span.resource['process.runtime.version']))]).toEqual([versionOf(node)]);
    // Written into a statement by the shop on purpose.
    expect(JSON.stringify(all).includes('4111-1111')).toBe(false);
    expect(shop.orders.stderr()).not.toContain('otel-run:');
    expect(shop.shipping.stderr()).not.toContain('otel-run:');
  });

  test.each([['newest Node, replace', newest, 'replace'], ['oldest Node', floor, 'parent']] as const)('one order in all three signals, and on the page for Prometheus: %s', async (title, node, topology) => {
    const environment = `three-signals-${title.replace(/[^a-z0-9]+/gi, '-')}`;
    const mine = ({ resource }: Pick<ReceivedSpan, 'resource'>): boolean => resource['deployment.environment.name'] === environment;
    const [ordersPort, shippingPort] = [String(await closedPort()), String(await closedPort())];
    const shop = await startShop(servers, {
      node,
      options: ['--endpoint', servers.collector.http, '--environment', environment, '--metrics', 'otlp,prometheus', '--logs', 'otlp'],
      env: { OTEL_RUN_WAIT: String(topology === 'parent'), OTEL_EXPORTER_PROMETHEUS_PORT: shippingPort },
      ordersEnv: { OTEL_EXPORTER_PROMETHEUS_PORT: ordersPort },
    });
    let order: { readonly id: number };
    let pages: string[] = [];
    try {
      order = await shop.order('mug');
      await vi.waitFor(async () => {
        pages = await Promise.all([ordersPort, shippingPort].map(async (port) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()));
        expect(pages.map((page) => /^http_server_request_duration_seconds_count\{.*\} (\d+)$/m.exec(page)?.[1])).toEqual(['1', '1']);
      }, { timeout: 10_000, interval: 200 });
    } finally {
      await shop.stop();
    }

    const [root] = await waitForSpans(servers.collector, (span) => mine(span) && span.name === 'POST /orders');
    await waitForSpans(servers.collector, (span) => span.traceId === root!.traceId, ORDER.trim().split('\n').length);
    expect(`\n${drawTrace(readSpans(servers.collector, mine), root!.traceId)}`).toBe(ORDER);

    // The line that the application writes, and the record that is sent, carry the trace.
    const line = shop.orders.stdout().split('\n').find((text) => text.includes('order placed'))!;
    expect(JSON.parse(line)).toMatchObject({ msg: 'order placed', orderId: order.id, trace_id: root!.traceId, span_id: root!.spanId });
    await vi.waitFor(() => expect(readLogs(servers.collector, mine)).toMatchObject([{ body: 'order placed', severityText: 'info', severityNumber: 9, traceId: root!.traceId, spanId: root!.spanId, attributes: { orderId: order.id } }]), 10_000);

    // The points that its requests fell into: the one of orders took as long as the span says.
    const last = (service: string, name: string): CollectedPoint[] => {
      const found = readPoints(servers.collector, (point) => mine(point) && point.resource['service.name'] === service && point.name === name);
      return found.filter(({ timeUnixNano }) => timeUnixNano === found.at(-1)!.timeUnixNano);
    };
    const served = await vi.waitFor(() => {
      const points = [...last('shop-orders', 'http.server.request.duration'), ...last('shop-shipping', 'http.server.request.duration')];
      expect(points).toMatchObject([
        { kind: 'histogram', unit: 's', count: 1, attributes: { 'http.request.method': 'POST', 'http.route': '/orders', 'http.response.status_code': 201 } },
        { kind: 'histogram', unit: 's', count: 1, attributes: { 'http.request.method': 'GET', 'http.route': '/quote/:sku', 'http.response.status_code': 200 } },
      ]);
      return points;
    }, 10_000);
    const [quote] = readSpans(servers.collector, (span) => span.traceId === root!.traceId && span.name === 'GET /quote/:sku');
    served.forEach((point, at) => {
      const bucket = point.explicitBounds.filter((bound) => bound < point.value).length;
      expect(point.bucketCounts.map((count, index) => (count === 0 ? null : index)).filter((index) => index !== null)).toEqual([bucket]);
      expect(point.value).toBeCloseTo(secondsOf([root!, quote!][at]!), 1);
      // On the page the same bucket, count and sum.
      const page = pages[at]!.split('\n').filter((text) => text.startsWith('http_server_request_duration_seconds'));
      const value = (ending: string): number => Number(page.find((text) => text.includes(ending))?.split(' ').at(-1));
      expect([value('_count{'), value('_sum{')]).toEqual([1, point.value]);
      let below = 0;
      const buckets = point.explicitBounds.map((bound, index) => [bound, (below += point.bucketCounts[index]!)]);
      expect([...page.join('\n').matchAll(/le="([\d.]+)".* (\d+)$/gm)].map(([, bound, count]) => [Number(bound), Number(count)])).toEqual(buckets);
    });

    // Every statement is in one point.
    const inserts = readSpans(servers.collector, (span) => mine(span) && span.name === 'pg.query:INSERT postgres').length;
    expect(last('shop-orders', 'db.client.operation.duration').filter(({ attributes }) => attributes['db.operation.name'] === 'INSERT').reduce((sum, { count }) => sum + count, 0)).toBe(inserts);
  });

  test('Jaeger answers with the trace of an order', async () => {
    const shop = await startShop(servers, { node: newest, options: ['--endpoint', servers.jaeger.grpc, '--protocol', 'grpc'], env: {} });
    try {
      await shop.order('teapot');
    } finally {
      await shop.stop();
    }
    const answer = await fetch(`${servers.jaeger.query}/api/traces?service=shop-orders&operation=${encodeURIComponent('POST /orders')}`);
    const { data } = (await answer.json()) as { data: { spans: { operationName: string; processID: string }[]; processes: Record<string, { serviceName: string }> }[] };
    expect(data).toHaveLength(1);
    const { spans, processes } = data[0]!;
    const found = spans.map(({ operationName, processID }) => `${processes[processID]!.serviceName}: ${operationName}`);
    const wanted = ORDER.trim().split('\n').map((line) => line.trim().replace(/ \(\w+\)$/, ''));
    expect(found.sort()).toEqual(wanted.sort());
  });

  // Controls: the shop itself works without us; the check above fails where the telemetry or a server is not there.
  test.each([['newest', newest], ['oldest', floor]])('control: an order is shipped under plain node, %s', async (_, node) => {
    const shop = await startShop(servers, { node, options: null, env: {} });
    try {
      expect((await shop.order('mug')).id).toBeGreaterThan(0);
    } finally {
      await shop.stop();
    }
  });

  test('control: an order fails when a server is killed in the middle of the run', async () => {
    const redis = await startRedis();
    const shop = await startShop({ ...servers, redis } as ShopServers, { node: newest, options: ['--endpoint', servers.collector.http], env: {} });
    try {
      await shop.order('mug');
      process.kill(redis.pid, 'SIGKILL');
      await redis.ended;
      await expect(shop.order('mug', 3000)).rejects.toThrow();
    } finally {
      await shop.stop();
      await redis.stop();
    }
  });

  // The last: the stock preload ignores SIGTERM, so its Kafka consumer is killed, and the group waits for it.
  test('control: the stock preload does not see the ES module service whole', async () => {
    const stock = createRequire(import.meta.url).resolve('@opentelemetry/auto-instrumentations-node/register');
    const shop = await startShop(servers, {
      node: newest,
      options: null,
      env: {
        NODE_OPTIONS: `--require ${stock}`,
        OTEL_EXPORTER_OTLP_ENDPOINT: servers.collector.http,
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=stock',
        OTEL_NODE_RESOURCE_DETECTORS: 'env',
        OTEL_METRICS_EXPORTER: 'none',
        OTEL_LOGS_EXPORTER: 'none',
        OTEL_BSP_SCHEDULE_DELAY: '200',
      },
    });
    try {
      await shop.order('mug');
      const mine = (span: ReceivedSpan): boolean => span.resource['deployment.environment.name'] === 'stock';
      const [root] = await waitForSpans(servers.collector, (span) => mine(span) && span.name === 'POST /orders');
      expect(`\n${drawTrace(readSpans(servers.collector, mine), root!.traceId)}`).not.toBe(ORDER);
    } finally {
      await shop.stop();
    }
  });
});

function secondsOf({ startTimeUnixNano, endTimeUnixNano }: ReceivedSpan): number {
  return Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e9;
}

/** `26.10.0` of the binary at a path that names its package. */
function versionOf(node: string): string {
  const manifest = JSON.parse(readFileSync(join(node, '..', '..', 'package.json'), 'utf8')) as { version: string };
  return manifest.version.replace(/^v/, '');
}
