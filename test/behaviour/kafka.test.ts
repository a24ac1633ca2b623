/** kafkajs against a real broker: what is processed is joined to what was sent. */
import { beforeAll, expect, test } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { familyCells, playFamily } from '../harness/family.ts';
import { outline } from '../harness/traced.ts';
import { describeWithServices } from '../services/index.ts';

beforeAll(() => ensureApps(['main']), 300_000);

/** test/fixtures/kafka/play.cjs; a batch of messages may be of many traces and has one of its own, with links. */
const TRACES = `
internal order
  producer send single
    consumer process single
      internal ship
producer send batch
producer send batch
internal orders
  producer send many
    consumer process many
  producer send many
    consumer process many
  producer send failing
    consumer process failing (error Error: not yet)
    consumer process failing
producer send not a topic (error KafkaJSNonRetriableError: The request attempted to perform an operation on an invalid topic)
internal transaction
  producer send transaction
    consumer process transaction`;
const BATCH = ['client poll batch', '  consumer process batch', '  consumer process batch', '  internal ship all'];

let counter = 0;

describeWithServices('Kafka', ['kafka'], (servers) => {
  test.each(familyCells)('kafkajs, $name', { timeout: 90_000 }, async ({ node, kind }) => {
    const prefix = `orders-${Date.now()}-${++counter}`;
    const spans = await playFamily({
      node,
      app: 'main/kafka',
      kind,
      env: (run) => ({ KAFKA_BROKERS: servers.kafka.brokers.join(','), KAFKAJS_NO_PARTITIONER_WARNING: '1', TOPIC: `${prefix}-${run}` }),
    });

    const poll = spans.find(({ name }) => name.startsWith('poll'));
    const describeSpan = ({ kind, name, status, attributes }: (typeof spans)[number]): string =>
      `${kind} ${name.replace(`${prefix}-traced-`, '')}${status.code === 'error' ? ` (error ${attributes['error.type']}: ${status.message})` : ''}`;
    expect(`\n${outline(spans.filter(({ traceId }) => traceId !== poll?.traceId), describeSpan).join('\n')}`).toBe(TRACES);
    // Its parts begin in the same millisecond.
    const batch = spans.filter(({ traceId }) => traceId === poll?.traceId);
    expect(outline(batch, describeSpan).sort()).toEqual([...BATCH].sort());

    const sent = spans.filter(({ name }) => name === `send ${prefix}-traced-batch`);
    const links = batch.filter(({ name }) => name.startsWith('process')).flatMap(({ links }) => links);
    expect(links.map(({ traceId, spanId }) => ({ traceId, spanId }))).toEqual(sent.map(({ traceId, spanId }) => ({ traceId, spanId })));
    expect(poll?.attributes).toMatchObject({ 'messaging.batch.message_count': 2, 'messaging.operation.type': 'receive' });

    for (const span of spans.filter(({ name }) => /^(?:send|process) orders/.test(name))) {
      const [operation, destination] = span.name.split(' ');
      expect(span.attributes).toMatchObject({ 'messaging.system': 'kafka', 'messaging.destination.name': destination, 'messaging.operation.type': operation, 'messaging.operation.name': operation });
      if (operation === 'process') expect(span.attributes).toMatchObject({ 'messaging.destination.partition.id': '0', 'messaging.kafka.offset': expect.stringMatching(/^\d+$/) });
    }
    expect(spans.find(({ name }) => name.endsWith('-single'))?.attributes['messaging.kafka.message.key']).toBe('REDACTED');
  });
});
