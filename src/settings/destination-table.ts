import { parts } from './otlp-table.ts';
import type { Setting } from './table.ts';
import type { Origin, Resolved } from './types.ts';

/** What can be set for each of `destinations`. Nothing is taken over from `otlp`: its headers are for its own backend. */
export const destinationTable = {
  endpoint: { ...parts.endpoint, env: [], help: 'URL of the backend; /v1/traces, /v1/metrics, /v1/logs are appended', instead: 'nothing is sent there' },
  protocol: { ...parts.protocol, env: [], help: 'grpc, http/protobuf or http/json', instead: 'nothing is sent there' },
  headers: { ...parts.headers, env: [], help: 'headers to send' },
  headerFiles: { type: 'map', default: {}, group: 'Sending', shown: 'value', env: [], help: 'headers to send whose values stand in files, by name; read again when they change' },
  signals: { type: 'list', values: ['traces', 'metrics', 'logs'], default: null, group: 'Sending', shown: 'value', env: [], help: 'what of traces, metrics and logs goes there (all that is exported)', emptied: true, instead: 'nothing is sent there' },
  timeout: { ...parts.timeout, env: [], help: 'milliseconds for one request (10000)' },
  compression: { ...parts.compression, env: [], help: 'none or gzip' },
  certificate: { ...parts.certificate, env: [], help: "PEM file of the authorities that sign the backend's certificate" },
  clientKey: { ...parts.clientKey, env: [], help: 'PEM file of the private key for mTLS' },
  clientCertificate: { ...parts.clientCertificate, env: [], help: 'PEM file of the certificate for mTLS' },
  insecure: { ...parts.insecure, env: [], help: 'gRPC without TLS where the endpoint names no scheme' },
  temporality: { type: 'enum', values: ['cumulative', 'delta', 'lowmemory'], default: null, group: 'Sending', shown: 'value', env: [], help: 'of metrics (as metrics.temporality)' },
} as const satisfies Record<string, Setting>;
