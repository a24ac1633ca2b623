import { fileURLToPath } from 'node:url';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import type { Servers } from '../services/index.ts';
import { startService, type ServiceProcess } from './service-process.ts';

export type ShopServers = Servers<'postgres' | 'redis' | 'kafka' | 'moto'>;

export interface Shop {
  readonly orders: ServiceProcess;
  readonly shipping: ServiceProcess;
  /** Places an order and waits until both ways have shipped it. Rejects where it failed or was not shipped. */
  order(sku: string, timeoutMs?: number): Promise<{ readonly id: number }>;
  stop(): Promise<void>;
}

const script = (path: string): string => fileURLToPath(new URL(`../../examples/shop/${path}`, import.meta.url));

/** Both services of examples/shop, each under an otel-run of its own. */
export async function startShop(servers: ShopServers, how: { readonly node: string; readonly options: readonly string[] | null; readonly env: Readonly<Record<string, string>>; /** For orders alone. */ readonly ordersEnv?: Readonly<Record<string, string>> }): Promise<Shop> {
  await ensureApps(['orders', 'shipping']);
  const env = {
    ...how.env,
    PORT: '0',
    DATABASE_URL: servers.postgres.url,
    REDIS_URL: servers.redis.url,
    KAFKA_BROKERS: servers.kafka.brokers.join(','),
    KAFKAJS_NO_PARTITIONER_WARNING: '1',
    AWS_ENDPOINT: servers.moto.endpoint,
  };
  const shipping = await startService({ ...how, script: script('shipping/server.js'), env, ready: /shipping listening on (\S+)/ });
  let orders: ServiceProcess;
  try {
    orders = await startService({ ...how, script: script('orders/server.js'), env: { ...env, ...how.ordersEnv, SHIPPING_URL: shipping.address }, ready: /orders listening on (\S+)/ });
  } catch (error) {
    await shipping.stop();
    throw error;
  }
  return {
    orders,
    shipping,
    async order(sku, timeoutMs = 10_000) {
      const response = await fetch(`${orders.address}/orders`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ sku, quantity: 2 }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (response.status !== 201) throw new Error(`the order was answered ${response.status}: ${await response.text()}\n${orders.stderr()}`);
      const order = (await response.json()) as { id: number };
      await shipping.says(new RegExp(`order ${order.id} shipped through kafka`));
      await shipping.says(new RegExp(`order ${order.id} shipped through sqs`));
      return order;
    },
    async stop() {
      await orders.stop();
      await shipping.stop();
    },
  };
}
