import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, SimpleSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { afterEach, expect, test } from 'vitest';
import { makeCertificates, startReceiver, type Receiver } from '../harness/receiver.ts';

let receiver: Receiver;
const dir = mkdtempSync(join(tmpdir(), 'receiver-'));
afterEach(() => receiver.close());

async function sendOne(exporter: SpanExporter): Promise<void> {
  const provider = new BasicTracerProvider({ resource: resourceFromAttributes({ 'service.name': 'stock' }), spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const span = provider.getTracer('scope', '1.2.3').startSpan('GET /', { kind: SpanKind.SERVER, attributes: { 'test.n': 1, list: ['a', 'b'], ratio: 0.5, on: true } });
  span.addEvent('said', { word: 'hi' });
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'bad' });
  span.end();
  await provider.forceFlush();
  await provider.shutdown();
}

test.each([
  ['http/protobuf', () => new ProtobufExporter({ url: `${receiver.httpUrl}/v1/traces` })],
  ['http/json', () => new JsonExporter({ url: `${receiver.httpUrl}/v1/traces` })],
  ['grpc', () => new GrpcExporter({ url: receiver.grpcUrl })],
] as const)('the receiver reads what the stock exporter sends by %s', async (_, exporter) => {
  receiver = await startReceiver();
  await sendOne(exporter());
  const [span] = await receiver.waitForSpans(1);
  expect(span).toMatchObject({
    name: 'GET /',
    kind: 'server',
    parentSpanId: '',
    attributes: { 'test.n': 1, list: ['a', 'b'], ratio: 0.5, on: true },
    status: { code: 'error', message: 'bad' },
    events: [{ name: 'said', attributes: { word: 'hi' } }],
    resource: { 'service.name': 'stock' },
    scope: { name: 'scope', version: '1.2.3' },
  });
  expect(span!.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(receiver.missing(3)).toEqual([2, 3]);
  expect(receiver.errors).toEqual([]);
});

test('the receiver serves TLS with a certificate that its CA has signed', async () => {
  const certificates = makeCertificates(dir);
  receiver = await startReceiver({ tls: { cert: certificates.cert, key: certificates.key } });
  await sendOne(new ProtobufExporter({ url: `${receiver.httpUrl}/v1/traces`, httpAgentOptions: { ca: readFileSync(certificates.ca) } as never }));
  await receiver.waitForSpans(1);
  rmSync(dir, { recursive: true });
});
