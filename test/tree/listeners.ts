/** Stand-ins on the loopback for the backends of other agents: they note what was sent, as far as a test compares it. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
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

/** Sentry: transactions with their spans (10 and earlier), spans by themselves (11), errors, and what it says that it dropped; from envelopes. */
export const listenAsSentry = (): Promise<Listener> =>
  listen((_, body, note) => {
    for (const line of body.toString().split('\n')) {
      const item = parse(line) as SentryItem;
      if (item.type === 'transaction' && item.transaction !== undefined) note(`${item.transaction} ${belowOrRoot(item.contexts?.trace?.parent_span_id)}: ${(item.spans ?? []).map(({ op }) => op).join(' ')}`);
      for (const { name, attributes, parent_span_id } of item.items ?? []) note(`span ${attributes['sentry.op']?.value} ${name} ${attributes['url.path']?.value} ${belowOrRoot(parent_span_id)}`);
      for (const { value } of item.exception?.values ?? []) note(`error ${value}`);
      for (const { reason, category, quantity } of item.discarded_events ?? []) note(`dropped ${quantity} ${category}: ${reason}`);
    }
    return '{}';
  });

interface SentryItem {
  readonly type?: string;
  readonly transaction?: string;
  readonly contexts?: { readonly trace?: { readonly parent_span_id?: string } };
  readonly spans?: readonly { readonly op?: string }[];
  readonly items?: readonly { readonly name: string; readonly parent_span_id?: string; readonly attributes: Readonly<Record<string, { readonly value: unknown } | undefined>> }[];
  readonly exception?: { readonly values?: readonly { readonly value?: string }[] };
  readonly discarded_events?: readonly { readonly reason: string; readonly category: string; readonly quantity: number }[];
}

/** Elastic's APM server: https://www.elastic.co/docs/solutions/observability/apm/elastic-apm-events-intake-api */
export const listenAsElastic = (): Promise<Listener> =>
  listen((request, body, note) => {
    if (request.url !== '/intake/v2/events') return '{}';
    for (const line of body.toString().split('\n')) {
      for (const [kind, event] of Object.entries(parse(line) as Record<string, { name?: string; outcome?: string; parent_id?: string }>)) {
        if (kind !== 'metadata') note(`${kind} ${withoutPort(event.name)} ${event.outcome} ${belowOrRoot(event.parent_id)}`);
      }
    }
    return '';
  });

/** New Relic's collector, which is asked over TLS alone. Its first answers send the agent on and tell it whom it reports to. */
export const listenAsNewRelic = (tls: { readonly cert: string; readonly key: string }): Promise<Listener> =>
  listen((request, body, note) => {
    const method = new URL(request.url ?? '', 'https://localhost').searchParams.get('method');
    const sent = parse(body.toString()) as unknown[];
    if (method === 'preconnect') return JSON.stringify({ return_value: { redirect_host: `localhost:${request.socket.localPort}` } });
    if (method === 'connect') return JSON.stringify({ return_value: { agent_run_id: '1', account_id: '1', primary_application_id: '2', trusted_account_key: '1', data_report_period: 60 } });
    if (method === 'analytic_event_data' || method === 'span_event_data') {
      for (const [event] of sent[2] as { type: string; name: string; parentId?: string }[][]) note(`${event?.type} ${withoutPort(event?.name)} ${belowOrRoot(event?.parentId)}`);
    }
    if (method === 'metric_data') {
      for (const [metric, [count]] of sent[3] as [{ name: string; scope?: string }, number[]][]) {
        if (/^(?:WebTransaction|External|HttpDispatcher)/.test(metric.name)) note(`metric ${withoutPort(metric.name)} ${metric.scope ?? ''} ${count}`);
      }
    }
    return '{"return_value":[]}';
  }, tls);

const belowOrRoot = (parent: string | undefined): string => (parent === undefined ? 'root' : 'below');

const withoutPort = (name = ''): string => name.replace(/:\d{4,5}\b/, '');

async function listen(answer: Answer, tls?: { readonly cert: string; readonly key: string }): Promise<Listener> {
  const noted: string[] = [];
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => response.end(answer(request, unpack(request, Buffer.concat(parts)), (line) => noted.push(line))));
  };
  const server = tls === undefined ? createServer(handle) : createSecureServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, handle);
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
