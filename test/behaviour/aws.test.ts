/** AWS SDK v3 against moto: service, operation, region, request id; messages joined to what sent them. */
import { beforeAll, expect, test } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { familyCells, playFamily } from '../harness/family.ts';
import type { ReceivedSpan } from '../harness/receiver.ts';
import { describeWithServices } from '../services/index.ts';

beforeAll(() => ensureApps(['main']), 300_000);

/** The calls of test/fixtures/aws/play.cjs that are no messages. */
const CALLS = [
  'client S3.CreateBucket',
  'client S3.PutObject',
  'client S3.GetObject (error NoSuchKey)',
  'client DynamoDB.CreateTable',
  'client DynamoDB.PutItem',
  'client DynamoDB.PutItem (error ConditionalCheckFailedException)',
  'client DynamoDB.Query',
  'client Lambda.ListFunctions',
  'client none Invoke (error ResourceNotFoundException)',
];

/**
 * What each receive call is linked to: a call may bring messages of many traces, so that links, not parents, join them.
 * A message with ten attributes of its own has no room for context (AWS refuses the eleventh; the emulator would take
 * it, so that the program prints what arrived). Input that is frozen is sent as it is.
 */
const JOINED = {
  receive: ['send'],
  'receive again': ['send no attributes'],
  'receive nine': ['send nine'],
  'receive ten': [],
  'receive shared': ['send shared'],
  'receive shared again': ['send shared again'],
  'receive frozen': ['send frozen'],
  'receive all frozen': [],
  'receive batch': ['send batch', 'send batch'],
  'receive raw': ['publish raw'],
  'receive raw ten': [],
  'receive wrapped': ['publish wrapped'],
  'receive published batch': ['publish batch'],
};

let counter = 0;

describeWithServices('AWS', ['moto'], (servers) => {
  test.each(familyCells)('SDK v3, $name', { timeout: 90_000 }, async ({ node, kind }) => {
    const name = `shop-${Date.now()}-${++counter}`;
    const env = (run: string) => ({ AWS_ENDPOINT: servers.moto.endpoint, NAME: `${name}-${run}` });
    const spans = await playFamily({ node, app: 'main/aws', kind, env, secrets: ['AKIA', '15550004242'] });
    const all = spans.filter(({ attributes }) => attributes['rpc.system.name'] === 'aws-api');
    // To sign a URL runs through the SDK as a call does, and asks nobody.
    const signing = all.filter(({ attributes }) => attributes['rpc.method'] === 'GetObject' && attributes['aws.request_id'] === undefined);
    expect(signing).toHaveLength(1);
    const calls = all.filter((span) => !signing.includes(span));

    expect(calls.filter(({ attributes }) => attributes['messaging.system'] === undefined).map(describeCall)).toEqual(CALLS);
    for (const span of calls) {
      expect(span.attributes).toMatchObject({ 'cloud.region': 'eu-west-1', 'aws.request_id': expect.stringMatching(/^\w{10,}/) });
      expect(childrenOf(span, spans)).toMatchObject([{ kind: 'client', attributes: { 'server.port': Number(new URL(servers.moto.endpoint).port) } }]);
    }
    expect(methodOf('S3', 'PutObject', calls)[0]?.attributes['aws.s3.bucket']).toBe(`${name}-traced`);
    expect(methodOf('DynamoDB', 'Query', calls)[0]?.attributes).toMatchObject({ 'db.system.name': 'aws.dynamodb', 'db.operation.name': 'Query', 'aws.dynamodb.table_names': [`${name}-traced`] });
    expect(parentName(methodOf('S3', 'PutObject', calls)[0]!, spans)).toBe('upload');

    const queue = { 'messaging.system': 'aws_sqs', 'messaging.destination.name': `${name}-traced` };
    const [sent] = methodOf('SQS', 'SendMessage', calls);
    expect(sent).toMatchObject({ name: `${name}-traced send`, kind: 'producer', attributes: { ...queue, 'messaging.operation.type': 'send', 'messaging.message.id': expect.any(String) } });
    expect(methodOf('SQS', 'SendMessageBatch', calls)).toMatchObject([{ kind: 'producer', attributes: { ...queue, 'messaging.batch.message_count': 3 } }]);
    const topic = { 'messaging.system': 'aws.sns', 'messaging.destination.name': expect.stringMatching(`:${name}-traced-raw$`), 'messaging.operation.type': 'send' };
    expect(methodOf('SNS', 'Publish', calls)[0]).toMatchObject({ name: `${name}-traced-raw send`, kind: 'producer', attributes: topic });
    expect(methodOf('SNS', 'PublishBatch', calls)).toMatchObject([{ name: `${name}-traced-raw send`, kind: 'producer', attributes: { ...topic, 'messaging.batch.message_count': 2 } }]);

    const receives = methodOf('SQS', 'ReceiveMessage', calls);
    for (const span of receives) expect(span).toMatchObject({ name: `${name}-traced receive`, kind: 'consumer', attributes: { ...queue, 'messaging.operation.type': 'receive' } });
    const joined = receives.map((span) => [parentName(span, spans), span.links.map(({ traceId, spanId }) => parentName(spans.find((other) => other.traceId === traceId && other.spanId === spanId)!, spans))]);
    expect(Object.fromEntries(joined)).toEqual(JOINED);

    const [download] = spans.filter((span) => parentName(span, spans) === 'download');
    expect(download?.attributes['url.query']).toMatch(/X-Amz-Credential=REDACTED&.*X-Amz-Security-Token=REDACTED&X-Amz-Signature=REDACTED/);
  });
});

function describeCall({ kind, name, status, attributes }: ReceivedSpan): string {
  return `${kind} ${name}${status.code === 'error' ? ` (error ${attributes['error.type']})` : ''}`;
}

const methodOf = (service: string, method: string, spans: readonly ReceivedSpan[]): ReceivedSpan[] =>
  spans.filter(({ attributes }) => attributes['rpc.service'] === service && attributes['rpc.method'] === method);

const childrenOf = ({ spanId }: ReceivedSpan, spans: readonly ReceivedSpan[]): ReceivedSpan[] => spans.filter(({ parentSpanId }) => parentSpanId === spanId);

const parentName = ({ parentSpanId }: ReceivedSpan, spans: readonly ReceivedSpan[]): string | undefined => spans.find(({ spanId }) => spanId === parentSpanId)?.name;
