'use strict';

const { PutItemCommand } = require('@aws-sdk/client-dynamodb');
const { PutObjectCommand } = require('@aws-sdk/client-s3');
const { PublishCommand } = require('@aws-sdk/client-sns');

const CACHE_SECONDS = 300;

/** Asks for a quote, stores the order everywhere, and tells shipping of it by SNS and by Kafka. */
async function placeOrder(stores, { sku, quantity }) {
  const quote = await fetchQuote(stores.shippingUrl, sku);
  const order = await insertOrder(stores.pool, { sku, quantity, cents: quote.cents * quantity });
  await cacheOrder(stores.redis, order);
  await writeInvoice(stores, order);
  await recordInLedger(stores, order);
  await publishToTopic(stores, order);
  await produceToKafka(stores, order);
  return order;
}

/** Looks into the cache first, then into the database. Resolves to undefined where there is no such order. */
async function findOrder(stores, id) {
  if (!/^\d{1,9}$/.test(id)) return undefined;
  const cached = await stores.redis.get(cacheKey(id));
  if (cached) return JSON.parse(cached);

  const { rows } = await stores.pool.query('SELECT id, sku, quantity, cents FROM orders WHERE id = $1', [id]);
  if (rows[0]) await cacheOrder(stores.redis, rows[0]);
  return rows[0];
}

async function fetchQuote(shippingUrl, sku) {
  const response = await fetch(`${shippingUrl}/quote/${encodeURIComponent(sku)}`);
  if (!response.ok) throw new Error(`shipping answered ${response.status} for a quote of ${sku}`);
  return response.json();
}

async function insertOrder(pool, { sku, quantity, cents }) {
  const { rows } = await pool.query(
    'INSERT INTO orders (sku, quantity, cents) VALUES ($1, $2, $3) RETURNING id, sku, quantity, cents',
    [sku, quantity, cents],
  );
  const order = rows[0];
  // Values written into the statement itself, as much code in the world does: a trace must not show them.
  await pool.query(`INSERT INTO order_events (order_id, event, note) VALUES (${order.id}, 'placed', 'card 4111-1111')`);
  return order;
}

async function cacheOrder(redis, order) {
  await redis.set(cacheKey(order.id), JSON.stringify(order), { expiration: { type: 'EX', value: CACHE_SECONDS } });
}

async function writeInvoice({ s3, bucket }, order) {
  await s3.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: `invoices/${order.id}.json`,
      Body: JSON.stringify(order),
      ContentType: 'application/json',
    }),
  );
}

async function recordInLedger({ dynamodb, table }, order) {
  await dynamodb.send(
    new PutItemCommand({
      TableName: table,
      Item: { orderId: { S: String(order.id) }, cents: { N: String(order.cents) } },
    }),
  );
}

async function publishToTopic({ sns, topicArn }, order) {
  await sns.send(
    new PublishCommand({
      TopicArn: topicArn,
      Message: JSON.stringify(order),
      MessageAttributes: { event: { DataType: 'String', StringValue: 'order.placed' } },
    }),
  );
}

async function produceToKafka({ producer }, order) {
  await producer.send({
    topic: 'orders',
    messages: [{ key: String(order.id), value: JSON.stringify(order), headers: { event: 'order.placed' } }],
  });
}

function cacheKey(id) {
  return `order:${id}`;
}

module.exports = { findOrder, placeOrder };
