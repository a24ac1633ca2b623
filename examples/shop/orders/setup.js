'use strict';

const { CreateTableCommand, waitUntilTableExists } = require('@aws-sdk/client-dynamodb');
const { CreateBucketCommand } = require('@aws-sdk/client-s3');
const { CreateTopicCommand, SubscribeCommand } = require('@aws-sdk/client-sns');
const { CreateQueueCommand, GetQueueAttributesCommand } = require('@aws-sdk/client-sqs');

const BUCKET = 'shop-invoices';
const TABLE = 'shop-ledger';
const TOPIC = 'shop-orders';
const QUEUE = 'shop-orders';

/** Every step may run again on a server that has it all. Resolves to the names under which things were made. */
async function setUpAws({ s3, dynamodb, sns, sqs }) {
  const [topicArn] = await Promise.all([
    subscribeQueueToTopic(sns, sqs),
    unlessThere('BucketAlreadyOwnedByYou', s3.send(new CreateBucketCommand({ Bucket: BUCKET }))),
    createTable(dynamodb),
  ]);
  return { bucket: BUCKET, table: TABLE, topicArn };
}

async function setUpPostgres(pool) {
  await pool.query(`
    CREATE TABLE IF NOT EXISTS orders (
      id serial PRIMARY KEY, sku text NOT NULL, quantity integer NOT NULL, cents integer NOT NULL
    );
    CREATE TABLE IF NOT EXISTS order_events (
      order_id integer NOT NULL REFERENCES orders (id), event text NOT NULL, note text NOT NULL
    );
  `);
}

async function setUpKafka(kafka) {
  const admin = kafka.admin();
  await admin.connect();
  const topics = await admin.listTopics();
  if (!topics.includes('orders')) await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 1 }] });
  await admin.disconnect();
}

async function subscribeQueueToTopic(sns, sqs) {
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: TOPIC }));
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: QUEUE }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  await sns.send(
    new SubscribeCommand({
      TopicArn,
      Protocol: 'sqs',
      Endpoint: Attributes.QueueArn,
      // Raw: message attributes arrive as the attributes of the queue's message, not inside its body.
      Attributes: { RawMessageDelivery: 'true' },
    }),
  );
  return TopicArn;
}

async function createTable(dynamodb) {
  const command = new CreateTableCommand({
    TableName: TABLE,
    AttributeDefinitions: [{ AttributeName: 'orderId', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'orderId', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
  });
  await unlessThere('ResourceInUseException', dynamodb.send(command));
  await waitUntilTableExists({ client: dynamodb, maxWaitTime: 30 }, { TableName: TABLE });
}

async function unlessThere(errorName, promise) {
  await promise.catch((error) => {
    if (error.name !== errorName) throw error;
  });
}

module.exports = { setUpAws, setUpKafka, setUpPostgres };
