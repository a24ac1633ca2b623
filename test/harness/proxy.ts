/**
 * A TCP proxy on loopback that does to a connection what networks do: this kernel has no netem.
 *
 *     const proxy = await startProxy(receiver.httpUrl, { kind: 'trickle', bytesPerSecond: 1 });
 *     env.OTEL_EXPORTER_OTLP_ENDPOINT = proxy.url;
 *     proxy.behave();                                     // from the next connection on it only passes on
 */
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

export type NetworkFault =
  /** So many bytes a second in each direction. */
  | { readonly kind: 'trickle'; readonly bytesPerSecond: number }
  /** Everything arrives, so much later. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Behind so many bytes to the backend nothing gets through any more, and nobody is told. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** Every so-manieth byte to the backend is lost. */
  | { readonly kind: 'lose'; readonly every: number }
  /** Behind so many bytes to the backend both sides are reset. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** The backend gets everything; the other side is reset behind so many bytes of the answer. */
  | { readonly kind: 'reset-answer'; readonly afterBytes: number };

export interface Proxy {
  /** As the backend's, with the port of the proxy. */
  readonly url: string;
  /** Connections so far. */
  readonly connections: number;
  /** Those of them that are open. */
  readonly open: number;
  behave(): void;
  misbehave(how: NetworkFault): void;
  close(): Promise<void>;
}

export async function startProxy(backend: string, fault: NetworkFault | null = null): Promise<Proxy> {
  const target = new URL(backend);
  const open = new Set<Socket>();
  let now = fault;
  let connections = 0;
  const server = createServer((client) => {
    connections++;
    const behind = connect(Number(target.port), target.hostname === 'localhost' ? '127.0.0.1' : target.hostname);
    for (const socket of [client, behind]) {
      open.add(socket);
      socket.on('error', () => {}).once('close', () => open.delete(socket));
    }
    client.once('close', () => behind.destroy());
    behind.once('close', () => client.end());
    join(client, behind, now);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${target.protocol}//${target.hostname}:${port}`,
    get connections() {
      return connections;
    },
    get open() {
      return open.size / 2;
    },
    behave: () => void (now = null),
    misbehave: (how) => void (now = how),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

function join(client: Socket, backend: Socket, fault: NetworkFault | null): void {
  const reset = (): void => {
    client.resetAndDestroy();
    backend.resetAndDestroy();
  };
  switch (fault?.kind) {
    case undefined:
      client.pipe(backend);
      backend.pipe(client);
      return;
    case 'trickle':
      trickle(client, backend, fault.bytesPerSecond);
      trickle(backend, client, fault.bytesPerSecond);
      return;
    case 'delay':
      for (const [from, to] of [[client, backend], [backend, client]] as const) {
        from.on('data', (bytes: Buffer) => void setTimeout(() => to.writable && to.write(bytes), fault.ms).unref());
      }
      return;
    case 'stall':
    case 'reset': {
      let passed = 0;
      client.on('data', (bytes: Buffer) => {
        const part = bytes.subarray(0, Math.max(0, fault.afterBytes - passed));
        passed += bytes.length;
        if (part.length > 0) backend.write(part);
        if (fault.kind === 'reset' && passed > fault.afterBytes) reset();
      });
      backend.pipe(client);
      return;
    }
    case 'lose': {
      let at = 0;
      client.on('data', (bytes: Buffer) => void backend.write(Buffer.from(bytes.filter(() => ++at % fault.every !== 0))));
      backend.pipe(client);
      return;
    }
    case 'reset-answer': {
      let passed = 0;
      client.pipe(backend);
      backend.on('data', (bytes: Buffer) => {
        passed += bytes.length;
        if (passed > fault.afterBytes) reset();
        else client.write(bytes);
      });
    }
  }
}

function trickle(from: Socket, to: Socket, bytesPerSecond: number): void {
  let waiting = Buffer.alloc(0);
  const step = Math.max(1, Math.round(bytesPerSecond / 10));
  const timer = setInterval(() => {
    if (waiting.length === 0) return;
    to.write(waiting.subarray(0, step));
    waiting = waiting.subarray(step);
    if (waiting.length < 64 * 1024) from.resume();
  }, (step / bytesPerSecond) * 1000).unref();
  from.on('data', (bytes: Buffer) => {
    waiting = Buffer.concat([waiting, bytes]);
    if (waiting.length >= 64 * 1024) from.pause();
  });
  from.once('close', () => clearInterval(timer));
}
