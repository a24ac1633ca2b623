import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureGoProgram } from './programs.ts';
import { findFreePort, makeServerDir, startServer } from './server.ts';
import type { Server } from './server.ts';

/** Jaeger 2 with its storage in memory. */
export type Jaeger = {
  /** OTLP endpoints, as `OTEL_EXPORTER_OTLP_ENDPOINT` takes them. */
  readonly grpc: string;
  readonly http: string;
  /** Base of the query API: `${query}/api/traces?service=…`, `${query}/api/v3/traces/<id>`. */
  readonly query: string;
};

const recipe = fileURLToPath(new URL('./jaeger/', import.meta.url));

export async function prepare(): Promise<void> {
  await ensureProgram();
}

export async function start(): Promise<Server<Jaeger>> {
  const command = await ensureProgram();
  const dir = makeServerDir('jaeger');
  const port = { grpc: await findFreePort(), http: await findFreePort(), query: await findFreePort() };
  const health = await findFreePort();
  return startServer(
    {
      name: 'jaeger',
      command,
      args: ['--config', path.join(recipe, 'config.yaml')],
      dir,
      env: {
        ...process.env,
        GRPC_PORT: String(port.grpc),
        HTTP_PORT: String(port.http),
        QUERY_PORT: String(port.query),
        QUERY_GRPC_PORT: String(await findFreePort()),
        HEALTH_PORT: String(health),
      },
      stopSignal: 'SIGKILL', // SIGTERM takes it ten seconds, and there is only memory to lose
      isReady: async () => (await fetch(`http://127.0.0.1:${health}/status`)).ok,
    },
    {
      grpc: `http://127.0.0.1:${port.grpc}`,
      http: `http://127.0.0.1:${port.http}`,
      query: `http://127.0.0.1:${port.query}`,
    },
  );
}

function ensureProgram(): Promise<string> {
  return ensureGoProgram('jaeger', recipe, 'github.com/jaegertracing/jaeger/cmd/jaeger', '3 to 5 minutes');
}
