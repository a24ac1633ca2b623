import type { Destination, OtlpDestination } from '../plan/types.ts';
import { nameSettings } from './failure-words.ts';
import { hideSecrets } from './hide-secrets.ts';
import type { Exporter } from './types.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The exporter of a destination. What it needs is loaded when it is chosen. */
export async function makeExporter(destination: Exclude<Destination, { kind: 'prometheus' }>, env: Env): Promise<Exporter> {
  switch (destination.kind) {
    case 'otlp':
      return inItsTerms(
        hideSecrets(
          destination.protocol === 'grpc'
            ? (await import('./otlp-grpc.ts')).createOtlpGrpcExporter(destination)
            : (await import('./otlp-http.ts')).createOtlpHttpExporter(destination),
          destination,
        ),
        destination,
      );
    case 'console':
      return (await import('./console.ts')).createConsoleExporter((await import('./stderr.ts')).openStderr(env));
    case 'print':
      return (await import('./print.ts')).createPrintExporter((await import('./stderr.ts')).openStderr(env));
    case 'store':
      return (await import('./store.ts')).createStoreExporter(destination);
  }
}

/** `exporter`, whose words name the settings where this destination has them. */
function inItsTerms(exporter: Exporter, destination: OtlpDestination): Exporter {
  return {
    ...exporter,
    async export(batch, signal) {
      const outcome = await exporter.export(batch, signal);
      return 'reason' in outcome ? { ...outcome, reason: nameSettings(outcome.reason, destination) } : outcome;
    },
  };
}
