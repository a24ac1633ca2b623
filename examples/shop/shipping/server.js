import express from 'express';
import { Redis } from 'ioredis';

import { consumeKafka } from './kafka.js';
import { consumeQueue } from './queue.js';

const redis = new Redis(required('REDIS_URL'));
redis.on('error', (error) => console.error(`redis: ${error.message}`));

const app = express();

app.get('/health', (req, res) => {
  res.json({ status: 'ok' });
});

app.get('/quote/:sku', async (req, res) => {
  const asked = await redis.hincrby('quotes', req.params.sku, 1);
  res.json({ sku: req.params.sku, cents: 100 * (1 + req.params.sku.length), asked });
});

const kafkaConsumer = await consumeKafka(required('KAFKA_BROKERS').split(','), (order) => ship(order, 'kafka'));
const queueConsumer = await consumeQueue(required('AWS_ENDPOINT'), (order) => ship(order, 'sqs'));
const server = await listen(Number(process.env.PORT ?? 3001));
console.log(`shipping listening on http://127.0.0.1:${server.address().port}`);

process.once('SIGTERM', stop);
process.once('SIGINT', stop);

async function ship(order, path) {
  await redis.set(`shipment:${path}:${order.id}`, JSON.stringify(order), 'EX', 300);
  console.log(`order ${order.id} shipped through ${path}`);
}

async function stop() {
  // A server that is gone must not keep a shipment, and so this process, waiting for ever.
  setTimeout(() => process.exit(1), 3000).unref();
  await Promise.all([
    new Promise((resolve) => server.close(resolve)),
    kafkaConsumer.close(),
    queueConsumer.close(),
  ]);
  await redis.quit();
}

function listen(port) {
  return new Promise((resolve, reject) => {
    const server = app.listen(port, '127.0.0.1', (error) => (error ? reject(error) : resolve(server)));
  });
}

function required(name) {
  if (!process.env[name]) throw new Error(`${name} is not set`);
  return process.env[name];
}
