/** Stand-ins on the loopback for the backends of other agents: they note what was sent, as far as a test compares it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inflateSync, gunzipSync } from 'node:zlib';

export interface Listener {
  readonly port: number;
  /** One line for each span (or count of spans) received, sorted. */
  readonly spans: () => readonly string[];
  readonly close: () => Promise<void>;
}

type Note = (line: string) => void;
type Answer = (request: IncomingMessage, body: Buffer, note: Note) => string;

/** The Datadog agent. The bodies are MessagePack, of which the names of spans are legible. */
export const listenAsDatadog = (): Promise<Listener> =>
  listen((request, body, note) => {
    if (!request.url?.endsWith('/traces')) return '{}';
    for (const name of body.toString('latin1').match(/(?:web|http)\.request|tcp\.connect|dns\.lookup/g) ?? []) note(name);
    return '{"rate_by_service":{}}';
  });

/** Sentry: transactions with their spans, from envelopes. */
export const listenAsSentry = (): Promise<Listener> =>
  listen((_, body, note) => {
    for (const line of body.toString().split('\n')) {
      const { type, transaction, spans } = parse(line) as { type?: string; transaction?: string; spans?: { description?: string; op?: string }[] };
      if (type === 'transaction') note(`${transaction}: ${(spans ?? []).map(({ op }) => op).join(' ')}`);
    }
    return '{}';
  });

async function listen(answer: Answer): Promise<Listener> {
  const noted: string[] = [];
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => response.end(answer(request, unpack(request, Buffer.concat(parts)), (line) => noted.push(line))));
  };
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    spans: () => [...noted].sort(),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function unpack({ headers }: IncomingMessage, body: Buffer): Buffer {
  const encoding = headers['content-encoding'];
  if (encoding === 'gzip') return gunzipSync(body);
  return encoding === 'deflate' ? inflateSync(body) : body;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
