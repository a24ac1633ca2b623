/** Backends and proxies that answer what no OTLP backend would: nothing stops the export, no credential is said, the account stays right. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { hideIn, secretsOfHeaders } from '../../src/export/hide-secrets.ts';
import { decodeProtobuf } from '../harness/otlp-decode.ts';
import { drain, makePlace, runNumbered, startNumbered, topologies, until, exportersOf, type Place } from './runs.ts';

const places: Place[] = [];
afterEach(() => places.splice(0).forEach((place) => place.remove()));

function openPlace(): Place {
  const place = makePlace();
  places.push(place);
  return place;
}

/** Answers with its URL, and the numbers of the spans in requests that `answer` has answered with true. */
async function startBackend(answer: (request: IncomingMessage, response: ServerResponse, requests: number) => boolean): Promise<{ url: string; numbers: Set<number> }> {
  const numbers = new Set<number>();
  const sockets = new Set<Socket>();
  let requests = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (!answer(request, response, ++requests)) return;
    for (const { attributes } of decodeProtobuf('traces', Buffer.concat(chunks)).spans) numbers.add(Number(attributes['test.n']));
    response.end();
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, numbers };
}

describe.each(topologies)('%s', (topology) => {
  test('101 Switching Protocols to the first request: the others go on', async () => {
    const place = openPlace();
    const backend = await startBackend(({ socket }, _, requests) => {
      if (requests > 1) return true;
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n');
      return false;
    });
    const program = startNumbered([1, 100, 'stay'], { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: backend.url }, topology);
    await until(() => backend.numbers.size, (size) => size === 100, 20_000);
    program.kill('SIGTERM');
    await program.ended;
    await until(() => exportersOf(place), (left) => left.length === 0, 20_000);
    expect(place.kept()).toEqual([]);
  });

  test.each([
    ['400', (request: IncomingMessage, response: ServerResponse) => void response.writeHead(400).end(`you sent ${JSON.stringify(request.headers)}`)],
    ['500', (request: IncomingMessage, response: ServerResponse) => void response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify({ key: request.headers['x-api-key'] }))],
    ['a partial success', (request: IncomingMessage, response: ServerResponse) => void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ partialSuccess: { rejectedSpans: '1', errorMessage: `no key ${String(request.headers['x-api-key'])} ${String(request.headers.authorization)}` } }))],
  ])('credentials that come back in %s are not said', async (_, answer) => {
    const place = openPlace();
    const backend = await startBackend((request, response) => {
      answer(request, response);
      return false;
    });
    const env = { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: backend.url, OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=SUPERSECRET123,authorization=Bearer%20abcdefSECRET' };
    const { stderr } = await runNumbered([1, 100], env, topology);
    await until(() => exportersOf(place), (left) => left.length === 0, 20_000);
    // In the replace topology the next run says it.
    const later = await drain(env);
    expect(stderr + later.stderr).not.toMatch(/SECRET/);
    if (topology === 'parent') expect(stderr).toContain('lost');
  });
});

test('a backend that refuses more than it was sent has refused that', async () => {
  const place = openPlace();
  const backend = await startBackend((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"partialSuccess":{"rejectedSpans":"9007199254740993000","errorMessage":"all"}}');
    return false;
  });
  const { stderr } = await runNumbered([1, 100], { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: backend.url });
  expect(stderr).toMatch(/\b100 spans .*lost/);
  expect(stderr).not.toMatch(/9007/);
});

test.each<[said: string, headers: Record<string, string>, hidden: string]>([
  ['key abcd1234 is unknown', { 'x-api-key': 'abcd1234' }, 'key *** is unknown'],
  ['you sent Bearer tok-12345', { authorization: 'Bearer tok-12345' }, 'you sent ***'],
  ['token tok-12345 expired', { authorization: 'Bearer tok-12345' }, 'token *** expired'],
  ['user me, password pass-word', { authorization: `Basic ${Buffer.from('me:pass-word').toString('base64')}` }, 'user me, password ***'],
  ['{"k":"a\\"bcdef"}', { k: 'a"bcdef' }, '{"k":"***"}'],
  ['?k=a%20bcdef', { k: 'a bcdef' }, '?k=***'],
  ['it ends with abcd12…', { k: 'abcd1234' }, 'it ends with ***…'],
  ['nothing of it', { k: 'abcd1234', short: 'of' }, 'nothing of it'],
])('%s', (said, headers, hidden) => {
  expect(hideIn(said, secretsOfHeaders(headers))).toBe(hidden);
});
