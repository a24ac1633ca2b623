/** Connections to a backend: used again while they work, and made anew where the name leads elsewhere now. */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { createOtlpHttpExporter } from '../../src/export/otlp-http.ts';
import { startProxy, type NetworkFault, type Proxy } from '../harness/proxy.ts';
import { startReceiver, type Receiver, type ReceiverOptions } from '../harness/receiver.ts';
import { launcher, startPlainNode, type RunningProgram } from '../harness/run.ts';
import { otlp } from './room.ts';
import { makePlace, node, runNumbered, startNumbered, until, type Place } from './runs.ts';

const protocols = ['http/protobuf', 'grpc'] as const;
const urlOf = (receiver: Receiver, protocol: (typeof protocols)[number]): string => (protocol === 'grpc' ? receiver.grpcUrl : receiver.httpUrl);
const steady = fileURLToPath(new URL('../fixtures/export/steady.cjs', import.meta.url));

function makeTestPlace(): Place {
  const place = makePlace();
  onTestFinished(() => place.remove());
  return place;
}

async function receive(options: ReceiverOptions = {}): Promise<Receiver> {
  const receiver = await startReceiver(options);
  onTestFinished(() => receiver.close());
  return receiver;
}

/** Ended with the test, whatever comes of it. */
function endWith(program: RunningProgram): RunningProgram {
  let hasEnded = false;
  void program.ended.finally(() => (hasEnded = true));
  onTestFinished(async () => {
    if (!hasEnded) program.kill('SIGTERM');
    await program.ended;
  });
  return program;
}

async function wayTo(url: string, fault: NetworkFault | null = null): Promise<Proxy> {
  const proxy = await startProxy(url, fault);
  onTestFinished(() => proxy.close());
  return proxy;
}

test.each(protocols)('%s: many requests share few connections', async (protocol) => {
  const place = makeTestPlace();
  const receiver = await receive();
  const proxy = await wayTo(urlOf(receiver, protocol));
  const { stderr } = await runNumbered([1, 100, 'burst', 4000, 100, 20], { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: proxy.url, OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '100' });
  expect([stderr, receiver.missing(4000)]).toEqual(['', []]);
  expect(receiver.requests.length).toBeGreaterThan(10);
  // As many as are sent at once.
  expect(proxy.connections).toBeLessThanOrEqual(protocol === 'grpc' ? 1 : 4);
});

test.each(protocols)('%s: a backend that has moved is found by its name, and gets what the old one did not', async (protocol) => {
  const place = makeTestPlace();
  const first = await receive();
  const ports = { httpPort: Number(new URL(first.httpUrl).port), grpcPort: Number(new URL(first.grpcUrl).port) };
  const second = await receive({ ...ports, address: '127.0.0.2' });
  const hosts = join(place.home, 'hosts');
  writeFileSync(hosts, '127.0.0.1 backend.test\n');
  const url = new URL(urlOf(first, protocol));
  // A hosts file of its own, in a mount namespace.
  const program = endWith(startPlainNode({
    node: '/usr/bin/unshare',
    args: ['-m', 'sh', '-c', `mount --bind ${hosts} /etc/hosts && exec "$@"`, 'sh', node, launcher, node, steady, '50', '60', '10'],
    env: { ...place.env, PATH: `${dirname(node)}:${process.env['PATH']}`, OTEL_RUN_WAIT: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: `http://backend.test:${url.port}`, OTEL_EXPORTER_OTLP_PROTOCOL: protocol },
    timeoutMs: 60_000,
  }));
  await first.waitForSpans(20, 20_000);
  writeFileSync(hosts, '127.0.0.2 backend.test\n');
  expect(second.requests).toEqual([]);
  await first.close();
  await second.waitForSpans(100, 30_000);
  program.kill('SIGTERM');
  const { stdout, stderr } = await program.ended;
  const produced = Number(/produced (\d+)/.exec(stdout)![1]);
  const missing = new Set(second.missing(produced));
  expect(first.missing(produced).filter((n) => missing.has(n))).toEqual([]);
  expect(stderr).not.toContain('lost');
});

test.each(protocols)('%s: a connection that leads to nobody is given up with the request that got no answer', async (protocol) => {
  const place = makeTestPlace();
  const receiver = await receive();
  const proxy = await wayTo(urlOf(receiver, protocol), { kind: 'stall', afterBytes: 200 });
  const env = { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: proxy.url, OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_EXPORTER_OTLP_TIMEOUT: '500' };
  const program = endWith(startNumbered([1, 100, 'close'], env));
  await until(() => proxy.connections, (count) => count > 0);
  proxy.behave();
  await receiver.waitForSpans(100, 15_000);
  program.kill('SIGTERM');
  await program.ended;
  expect([receiver.missing(100), place.kept()]).toEqual([[], []]);
});

test('a connection that nobody needs is closed, and the next request looks for the backend again (by gRPC grpc-js sees to it)', async () => {
  const receiver = await receive();
  const proxy = await wayTo(receiver.httpUrl);
  const exporter = createOtlpHttpExporter(otlp(proxy.url), 300);
  const send = () => exporter.export({ signal: 'traces', count: 0, body: Buffer.alloc(0) }, new AbortController().signal);
  expect([await send(), await send()]).toEqual([{ kind: 'delivered', rejected: 0 }, { kind: 'delivered', rejected: 0 }]);
  expect(proxy.connections).toBe(1);
  await until(() => proxy.open, (open) => open === 0);
  expect(await send()).toEqual({ kind: 'delivered', rejected: 0 });
  expect(proxy.connections).toBe(2);
  await exporter.close();
});
