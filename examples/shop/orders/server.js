'use strict';

const express = require('express');
const pino = require('pino');

const { openStores } = require('./stores');
const { findOrder, placeOrder } = require('./orders');

const log = pino({ name: 'orders' });

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

async function main() {
  const stores = await openStores(process.env);
  const server = await listen(createApp(stores), Number(process.env.PORT ?? 3000));
  console.log(`orders listening on http://127.0.0.1:${server.address().port}`);

  const stop = async () => {
    // A server that is gone must not keep an order, and so this process, waiting for ever.
    setTimeout(() => process.exit(1), 3000).unref();
    await new Promise((resolve) => server.close(resolve));
    await stores.close();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

function createApp(stores) {
  const app = express();
  app.use(express.json());

  app.get('/health', (req, res) => {
    res.json({ status: 'ok' });
  });

  app.post('/orders', async (req, res) => {
    const { sku, quantity } = req.body ?? {};
    if (typeof sku !== 'string' || !Number.isInteger(quantity) || quantity < 1) {
      res.status(400).json({ error: 'expected {"sku": string, "quantity": whole number of at least 1}' });
      return;
    }
    const order = await placeOrder(stores, { sku, quantity });
    log.info({ orderId: order.id, cents: order.cents }, 'order placed');
    res.status(201).json(order);
  });

  app.get('/orders/:id', async (req, res) => {
    const order = await findOrder(stores, req.params.id);
    if (!order) {
      res.status(404).json({ error: `no order ${req.params.id}` });
      return;
    }
    res.json(order);
  });

  return app;
}

function listen(app, port) {
  return new Promise((resolve, reject) => {
    const server = app.listen(port, '127.0.0.1', (error) => (error ? reject(error) : resolve(server)));
  });
}
