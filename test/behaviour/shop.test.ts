/**
 * The main job: two services, CommonJS and ES modules, with PostgreSQL, Redis, Kafka and AWS (moto), unchanged
 * under otel-run; one order is one trace, and it arrives in the OpenTelemetry Collector and in Jaeger.
 */
import { rmSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ensureNodes } from '../../scripts/setup/nodes.mjs';
import { drawTrace, type DrawnSpan } from '../harness/draw-trace.ts';
import { startShop, type ShopServers } from '../harness/shop.ts';
import { describeWithServices, readSpans, waitForSpans, type ReceivedSpan } from '../services/index.ts';

const nodes = await ensureNodes();
const newest = nodes.node26!;
const floor = nodes.node20min!;
const scratch = mkdtempSync(join(tmpdir(), 'shop-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describeWithServices('the shop', ['postgres', 'redis', 'kafka', 'moto', 'collector', 'jaeger'], (servers) => {
  test.each([['newest', newest], ['floor', floor]])('control: works under plain node, %s', async (_, node) => {
    const shop = await startShop(servers, { node, options: null, env: {} });
    try {
      expect((await shop.order('mug')).id).toBeGreaterThan(0);
    } finally {
      await shop.stop();
    }
  });
});
