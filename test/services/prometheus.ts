import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureGoProgram } from './programs.ts';
import { findFreePort, makeServerDir, startServer } from './server.ts';
import type { Server } from './server.ts';

/** Prometheus 3, which takes OTLP. */
export type Prometheus = {
  /** As `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT` takes it. */
  readonly otlp: string;
  /** Base of the query API: `${api}/query?query=…`. */
  readonly api: string;
};

const recipe = fileURLToPath(new URL('./prometheus/', import.meta.url));

export async function prepare(): Promise<void> {
  await ensureProgram();
}

export async function start(): Promise<Server<Prometheus>> {
  const command = await ensureProgram();
  const dir = makeServerDir('prometheus');
  const base = `127.0.0.1:${await findFreePort()}`;
  return startServer(
    {
      name: 'prometheus',
      command,
      args: [
        `--config.file=${path.join(recipe, 'prometheus.yml')}`,
        `--storage.tsdb.path=${path.join(dir, 'data')}`,
        `--web.listen-address=${base}`,
        '--web.enable-otlp-receiver',
        '--enable-feature=exemplar-storage',
        '--log.level=warn',
      ],
      dir,
      stopSignal: 'SIGTERM',
      isReady: async () => (await fetch(`http://${base}/-/ready`)).ok,
    },
    { otlp: `http://${base}/api/v1/otlp/v1/metrics`, api: `http://${base}/api/v1` },
  );
}

// Without service discovery, which is most of its dependencies.
function ensureProgram(): Promise<string> {
  return ensureGoProgram('prometheus', recipe, 'github.com/prometheus/prometheus/cmd/prometheus', '2 to 3 minutes', ['-tags', 'remove_all_sd']);
}
