/**
 * A forward proxy as companies have them: absolute-form requests and CONNECT, on loopback. Whatever host is asked for is taken to
 * be here: `http://collector.test:4318` leads to 127.0.0.1:4318, so a name that nothing resolves gets through by the proxy alone.
 *
 *     const proxy = await startForwardProxy({ credentials: 'me:secret' });
 *     env.HTTP_PROXY = proxy.url;                       // http://127.0.0.1:port
 *     proxy.asked;                                      // ['POST http://collector.test:4318/v1/traces', 'CONNECT collector.test:4317']
 */
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { readFileSync } from 'node:fs';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface ForwardProxyOptions {
  /** `user:password`; others are answered with 407. */
  readonly credentials?: string;
  /** What every CONNECT, and every request, is answered with. */
  readonly status?: number;
  /** PEM files: spoken to by TLS, as `https://localhost:port`. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export interface ForwardProxy {
  readonly url: string;
  /** Method and target of each request so far, refused ones among them. */
  readonly asked: string[];
  close(): Promise<void>;
}

export async function startForwardProxy({ credentials, status, tls }: ForwardProxyOptions = {}): Promise<ForwardProxy> {
  const asked: string[] = [];
  const open = new Set<Duplex>();
  const expected = credentials === undefined ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`;

  /** The status to refuse it with, or null. */
  const note = ({ method, url, headers }: IncomingMessage): number | null => {
    asked.push(`${method} ${url}`);
    return expected !== undefined && headers['proxy-authorization'] !== expected ? 407 : (status ?? null);
  };
  const hold = (socket: Duplex): void => {
    open.add(socket);
    socket.on('error', () => {}).once('close', () => open.delete(socket));
  };

  const server: Server = tls === undefined ? createServer() : createTlsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) });
  server.on('connection', hold);
  server.on('request', (incoming, outgoing) => {
    const refused = note(incoming);
    if (refused !== null) return void outgoing.writeHead(refused).end('<html>the words of the proxy</html>');
    const { port, pathname, search } = new URL(incoming.url!);
    const { 'proxy-authorization': _, 'proxy-connection': __, ...headers } = incoming.headers;
    const onwards = request({ host: '127.0.0.1', port, path: pathname + search, method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    onwards.on('error', () => outgoing.writeHead(502).end());
    incoming.pipe(onwards);
  });
  server.on('connect', (incoming: IncomingMessage, client: Duplex, head: Buffer) => {
    hold(client);
    const refused = note(incoming);
    if (refused !== null) return void client.end(`HTTP/1.1 ${refused} No\r\nconnection: close\r\n\r\n`);
    const backend: Socket = connect(Number(incoming.url!.slice(incoming.url!.lastIndexOf(':') + 1)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      backend.write(head);
      backend.pipe(client);
      client.pipe(backend);
    });
    hold(backend);
    backend.once('close', () => client.destroy());
    client.once('close', () => backend.destroy());
    backend.once('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`,
    asked,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
