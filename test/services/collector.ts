import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeCertificates } from './certificates.ts';
import { ensureGoProgram, requireProgram } from './programs.ts';
import { findFreePort, makeServerDir, startServer } from './server.ts';
import type { Server } from './server.ts';

/** OTLP endpoints, as `OTEL_EXPORTER_OTLP_ENDPOINT` takes them. */
type Endpoints = { readonly grpc: string; readonly http: string };

/** The OpenTelemetry Collector; all its doors lead to one file. */
export type Collector = Endpoints & {
  /** TLS with `ca`, and every request must carry `authorization: Bearer <token>`. */
  readonly token: Endpoints & { readonly ca: string; readonly authorization: string };
  /** TLS with `ca`, and the client must show a certificate. */
  readonly mutual: Endpoints & { readonly ca: string; readonly certificate: string; readonly key: string };
  /** What arrived: one OTLP/JSON export request a line. Read it with `readSpans`, `waitForSpans`. */
  readonly file: string;
};

const recipe = fileURLToPath(new URL('./collector/', import.meta.url));

export async function prepare(): Promise<void> {
  await requireProgram('openssl', 'openssl');
  await ensureProgram();
}

export async function start(): Promise<Server<Collector>> {
  const command = await ensureProgram();
  const dir = makeServerDir('collector');
  const certificates = await makeCertificates(await requireProgram('openssl', 'openssl'), dir);
  const plain = await findPorts();
  const token = await findPorts();
  const mutual = await findPorts();
  const health = await findFreePort();
  const secret = 'a-token-of-the-tests';
  return startServer(
    {
      name: 'collector',
      command,
      args: ['--config', path.join(recipe, 'config.yaml')],
      dir,
      env: {
        ...process.env,
        DIR: dir,
        TOKEN: secret,
        GRPC_PORT: plain.grpc,
        HTTP_PORT: plain.http,
        TOKEN_GRPC_PORT: token.grpc,
        TOKEN_HTTP_PORT: token.http,
        MUTUAL_GRPC_PORT: mutual.grpc,
        MUTUAL_HTTP_PORT: mutual.http,
        HEALTH_PORT: String(health),
      },
      stopSignal: 'SIGTERM',
      isReady: async () => (await fetch(`http://127.0.0.1:${health}/`)).ok,
    },
    {
      ...endpoints('http://127.0.0.1', plain),
      token: { ...endpoints('https://localhost', token), ca: certificates.ca, authorization: `Bearer ${secret}` },
      mutual: {
        ...endpoints('https://localhost', mutual),
        ca: certificates.ca,
        certificate: certificates.clientCertificate,
        key: certificates.clientKey,
      },
      file: path.join(dir, 'telemetry.jsonl'),
    },
  );
}

function ensureProgram(): Promise<string> {
  return ensureGoProgram('collector', recipe, '.', 'about 90 seconds');
}

type Ports = { readonly grpc: string; readonly http: string };

async function findPorts(): Promise<Ports> {
  return { grpc: String(await findFreePort()), http: String(await findFreePort()) };
}

// By name where there is TLS: a server name must not be an IP address (RFC 6066), and Node warns.
function endpoints(host: string, ports: Ports): Endpoints {
  return { grpc: `${host}:${ports.grpc}`, http: `${host}:${ports.http}` };
}
