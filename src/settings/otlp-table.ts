import type { SignalName } from '../plan/types.ts';

/** What can be set for OTLP in general, and again for each signal alone. */
export const parts = {
  endpoint: { type: 'url', default: null, group: 'Sending', shown: 'url' },
  protocol: { type: 'enum', values: ['http/protobuf', 'grpc', 'http/json'], default: null, group: 'Sending', shown: 'value' },
  headers: { type: 'headers', default: {}, group: 'Sending', shown: 'names' },
  timeout: { type: 'duration', default: null, group: 'Sending', shown: 'value' },
  compression: { type: 'enum', values: ['none', 'gzip'], default: null, group: 'Sending', shown: 'value' },
  certificate: { type: 'path', default: null, group: 'Sending', shown: 'value' },
  clientKey: { type: 'path', default: null, group: 'Sending', shown: 'value' },
  clientCertificate: { type: 'path', default: null, group: 'Sending', shown: 'value' },
  insecure: { type: 'boolean', default: null, group: 'Sending', shown: 'value' },
} as const;

type Part = keyof typeof parts;
type PartRow<P extends Part> = (typeof parts)[P] & { readonly env: readonly string[]; readonly help: string; readonly instead?: string };
export type SignalRows<S extends SignalName> = { readonly [P in Part as `otlp.${S}.${P}`]: PartRow<P> };

/** The rows of one signal. https://opentelemetry.io/docs/specs/otel/protocol/exporter/#configuration-options */
export function signalRows<S extends SignalName>(signal: S): SignalRows<S> {
  const rows = Object.entries(parts).map(([part, setting]) => {
    const variable = `OTEL_EXPORTER_OTLP_${signal}_${part.replace(/[A-Z]/g, (letter) => `_${letter}`)}`.toUpperCase();
    const help = `for ${signal} alone${part === 'endpoint' ? '; used as it is, nothing is appended' : part === 'headers' ? ', added to otlp.headers' : ''}`;
    const instead = part === 'endpoint' || part === 'protocol' ? { instead: `no ${signal} are sent` } : {};
    return [`otlp.${signal}.${part}`, { ...setting, env: [variable], help, ...instead }];
  });
  return Object.fromEntries(rows) as SignalRows<S>;
}
