'use strict';

const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
const { S3Client } = require('@aws-sdk/client-s3');
const { SNSClient } = require('@aws-sdk/client-sns');
const { SQSClient } = require('@aws-sdk/client-sqs');
const { Kafka, Partitioners, logLevel } = require('kafkajs');
const { Pool } = require('pg');
const { createClient } = require('redis');

const { setUpAws, setUpKafka, setUpPostgres } = require('./setup');

/** Connects to everything that the shop writes to, makes what is missing there, and says how to close it all. */
async function openStores(env) {
  const pool = new Pool({ connectionString: required(env, 'DATABASE_URL'), max: 4 });
  pool.on('error', (error) => console.error(`postgres: ${error.message}`));

  const redis = createClient({ url: required(env, 'REDIS_URL') });
  redis.on('error', (error) => console.error(`redis: ${error.message}`));

  const kafka = new Kafka({
    clientId: 'orders',
    brokers: required(env, 'KAFKA_BROKERS').split(','),
    logLevel: logLevel.WARN,
  });
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });

  const aws = awsOptions(required(env, 'AWS_ENDPOINT'));
  const s3 = new S3Client({ ...aws, forcePathStyle: true });
  const dynamodb = new DynamoDBClient(aws);
  const sns = new SNSClient(aws);
  const sqs = new SQSClient(aws);

  const shippingUrl = required(env, 'SHIPPING_URL').replace(/\/+$/, '');

  const [names] = await Promise.all([
    setUpAws({ s3, dynamodb, sns, sqs }),
    setUpPostgres(pool),
    setUpKafka(kafka),
    redis.connect(),
    producer.connect(),
  ]);
  sqs.destroy();

  return {
    pool,
    redis,
    producer,
    s3,
    dynamodb,
    sns,
    shippingUrl,
    ...names,
    close: async () => {
      await Promise.all([pool.end(), redis.close(), producer.disconnect()]);
      for (const client of [s3, dynamodb, sns]) client.destroy();
    },
  };
}

function awsOptions(endpoint) {
  return { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
}

function required(env, name) {
  if (!env[name]) throw new Error(`${name} is not set`);
  return env[name];
}

module.exports = { openStores };
