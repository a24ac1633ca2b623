import { setTimeout as sleep } from 'node:timers/promises';

import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';

const QUEUE = 'shop-orders';

/** Calls `ship` with each order of the queue. Resolves once the queue is there. */
export async function consumeQueue(endpoint, ship) {
  const sqs = new SQSClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: QUEUE }));

  const stopping = new AbortController();
  const polling = poll(sqs, QueueUrl, ship, stopping.signal);

  return {
    close: async () => {
      stopping.abort();
      await polling;
      sqs.destroy();
    },
  };
}

async function poll(sqs, QueueUrl, ship, signal) {
  while (!signal.aborted) {
    try {
      for (const message of await receive(sqs, QueueUrl, signal)) {
        await ship(JSON.parse(message.Body));
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
      }
    } catch (error) {
      if (signal.aborted) return;
      console.error(`sqs: ${error.message}`);
      await sleep(1000, undefined, { signal }).catch(() => {});
    }
  }
}

async function receive(sqs, QueueUrl, signal) {
  const command = new ReceiveMessageCommand({
    QueueUrl,
    MaxNumberOfMessages: 10,
    MessageAttributeNames: ['All'],
    WaitTimeSeconds: 1,
  });
  const { Messages } = await sqs.send(command, { abortSignal: signal });
  return Messages ?? [];
}
