import kafkajs from 'kafkajs';

const { Kafka, logLevel } = kafkajs;

/** Calls `ship` with each order of the topic `orders`. Resolves once the consumer reads. */
export async function consumeKafka(brokers, ship) {
  const kafka = new Kafka({ clientId: 'shipping', brokers, logLevel: logLevel.WARN });
  await createTopic(kafka);

  // Short times: after a crash the group waits for the lost member, at shutdown for the running fetch.
  const consumer = kafka.consumer({ groupId: 'shipping', sessionTimeout: 10_000, maxWaitTimeInMs: 500 });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.connect();
  await consumer.subscribe({ topic: 'orders', fromBeginning: true });
  await consumer.run({ eachMessage: ({ message }) => ship(JSON.parse(message.value)) });
  await joined;

  return { close: () => consumer.disconnect() };
}

async function createTopic(kafka) {
  const admin = kafka.admin();
  await admin.connect();
  const topics = await admin.listTopics();
  if (!topics.includes('orders')) await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 1 }] });
  await admin.disconnect();
}
