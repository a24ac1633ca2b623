import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import grpc from '@grpc/grpc-js';

/** How a client reaches a door of the Collector. */
export type Door = {
  readonly url: string;
  readonly authorization?: string;
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
};

/** Ids of a span that a test sends by hand, so that it knows what must arrive. */
export function makeIds(): { traceId: string; spanId: string } {
  return { traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex') };
}

/** Sends one span as OTLP/JSON; resolves with the HTTP status. */
export async function exportOverHttp(door: Door, ids: { traceId: string; spanId: string }): Promise<number> {
  const now = `${Date.now()}000000`;
  const span = { ...ids, name: 'by hand', kind: 2, startTimeUnixNano: now, endTimeUnixNano: now };
  const service = { key: 'service.name', value: { stringValue: 'by-hand' } };
  const body = JSON.stringify({ resourceSpans: [{ resource: { attributes: [service] }, scopeSpans: [{ spans: [span] }] }] });
  const headers = { 'content-type': 'application/json', ...(door.authorization && { authorization: door.authorization }) };
  const url = `${door.url}/v1/traces`;
  if (url.startsWith('http:')) return (await fetch(url, { method: 'POST', headers, body })).status;
  return new Promise((resolve, reject) => {
    const files = { ca: read(door.ca), cert: read(door.certificate), key: read(door.key) };
    const sent = request(url, { method: 'POST', headers, ...files, agent: false, timeout: 5000 }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', reject).on('timeout', () => sent.destroy(new Error('no answer within 5 s')));
    sent.end(body);
  });
}

/** Sends one span as OTLP/gRPC; resolves with the gRPC status code. */
export function exportOverGrpc(door: Door, ids: { traceId: string; spanId: string }): Promise<number> {
  const span = [field(1, Buffer.from(ids.traceId, 'hex')), field(2, Buffer.from(ids.spanId, 'hex')), field(5, Buffer.from('by hand'))];
  const [RESOURCE_SPANS, SCOPE_SPANS, SPANS] = [1, 2, 2];
  const body = field(RESOURCE_SPANS, field(SCOPE_SPANS, field(SPANS, Buffer.concat(span))));
  const credentials = door.url.startsWith('https:')
    ? grpc.credentials.createSsl(read(door.ca) ?? null, read(door.key) ?? null, read(door.certificate) ?? null)
    : grpc.credentials.createInsecure();
  const client = new grpc.Client(new URL(door.url).host, credentials);
  const metadata = new grpc.Metadata();
  if (door.authorization) metadata.set('authorization', door.authorization);
  const method = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve) => {
    client.makeUnaryRequest(method, same, same, body, metadata, { deadline: Date.now() + 5000 }, (error) => {
      client.close();
      resolve(error?.code ?? grpc.status.OK);
    });
  });
}

function read(file: string | undefined): Buffer | undefined {
  return file === undefined ? undefined : readFileSync(file);
}

// A length-delimited protobuf field; everything sent here is shorter than 128 bytes.
function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
}
