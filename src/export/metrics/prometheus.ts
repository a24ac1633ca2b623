/** One page of metrics for the whole process tree, for Prometheus to scrape. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createGzip } from 'node:zlib';
import { requestToJson } from '../../view/json.ts';
import { nanos } from '../nanos.ts';
import { buildRequest } from '../request.ts';
import type { Exporter } from '../types.ts';
import { CONTENT_TYPES, writePrometheus, type Format, type MetricsJson } from './prometheus-text.ts';
import type { SeriesStore } from './series.ts';

export interface PrometheusOptions {
  readonly host: string;
  readonly port: number;
  readonly store: SeriesStore;
  /** Reads what has been handed over since. */
  refresh(): void;
  onFault(reason: string): void;
}

/** Serves `/metrics` as long as it is not closed. Nothing is ever handed to it: whoever wants the points comes for them. */
export function servePrometheus({ host, port, store, refresh, onFault }: PrometheusOptions): Exporter {
  const server = createServer((request, response) => {
    try {
      answer(request, response);
    } catch (error) {
      response.writeHead(500).end(`${(error as Error).message}\n`);
    }
  });
  const name = `http://${host.includes(':') ? `[${host}]` : host}:${port}/metrics`;
  server.on('error', (error: NodeJS.ErrnoException) => onFault(error.code === 'EADDRINUSE' ? 'the port is in use: another run? (OTEL_EXPORTER_PROMETHEUS_PORT)' : error.message));
  try {
    server.listen(port, host);
  } catch (error) {
    onFault((error as Error).message);
  }
  server.unref();
  return {
    name,
    export: async () => ({ kind: 'delivered', rejected: 0 }),
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    }),
  };

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const [pathname] = (request.url ?? '/').split('?');
    if (pathname !== '/metrics') return void response.writeHead(404).end('metrics are at /metrics\n');
    if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405, { allow: 'GET, HEAD' }).end();
    refresh();
    const format: Format = /application\/openmetrics-text/.test(request.headers.accept ?? '') ? 'openmetrics' : 'text';
    const page = writePrometheus(requestToJson('metrics', buildRequest(store.look(nanos(Date.now())))) as MetricsJson, format);
    const gzip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
    response.writeHead(200, { 'content-type': CONTENT_TYPES[format], ...(gzip ? { 'content-encoding': 'gzip' } : {}) });
    if (request.method === 'HEAD') return void response.end();
    if (!gzip) return void response.end(page);
    const packed = createGzip();
    packed.pipe(response);
    packed.end(page);
  }
}
