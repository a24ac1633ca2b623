/** The real Collector behind TLS, which asks for a client certificate: all signals, by HTTP and gRPC. */
import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test, vi } from 'vitest';
import { drain, makePlace, node, type Place } from '../export/runs.ts';
import { makeCertificates } from '../harness/receiver.ts';
import { otelRun } from '../harness/run.ts';
import type { Collector } from '../services/collector.ts';
import { describeWithServices, readLogs, readPoints, readSpans } from '../services/index.ts';
import { keptOf, threeEnv, threeScript, threeSignals } from './three.ts';

const COUNT = 20;
const protocols = ['http/protobuf', 'grpc'] as const;
type Protocol = (typeof protocols)[number] | 'http/json';

function makeTestPlace(): Place {
  const place = makePlace();
  onTestFinished(() => place.remove());
  return place;
}

const envOf = (place: Place, { mutual }: Collector, protocol: Protocol, service: string): Record<string, string> => ({
  ...place.env,
  ...threeEnv,
  OTEL_METRICS_EXPORTER: 'otlp',
  OTEL_LOGS_EXPORTER: 'otlp',
  OTEL_SERVICE_NAME: service,
  OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
  OTEL_EXPORTER_OTLP_ENDPOINT: protocol === 'grpc' ? mutual.grpc : mutual.http,
  OTEL_EXPORTER_OTLP_CERTIFICATE: mutual.ca,
});

/** How many of the numbers have arrived, by signal. */
function arrived(collector: Collector, service: string): number[] {
  const ours = ({ resource }: { readonly resource: Readonly<Record<string, unknown>> }): boolean => resource['service.name'] === service;
  return [readSpans, readPoints, readLogs].map((read) => new Set((read as typeof readSpans)(collector, ours).map(({ attributes }) => attributes['test.n']).filter((n) => n !== undefined)).size);
}

const all = threeSignals.map(() => COUNT);

describeWithServices('a Collector that asks for a client certificate', ['collector'], (servers) => {
  const rightOne = (): Record<string, string> => ({ OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: servers.collector.mutual.certificate, OTEL_EXPORTER_OTLP_CLIENT_KEY: servers.collector.mutual.key });
  const allArrive = (service: string): Promise<void> => vi.waitFor(() => expect(arrived(servers.collector, service)).toEqual(all), { timeout: 15_000, interval: 100 });

  test.each([...protocols, 'http/json'] as const)('%s: the right one delivers all signals', async (protocol) => {
    const place = makeTestPlace();
    const service = randomUUID();
    const env = { ...envOf(place, servers.collector, protocol, service), ...rightOne() };
    expect(await otelRun({ node, topology: 'parent', args: [node, threeScript, String(COUNT)], env })).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    await allArrive(service);
    expect(place.kept()).toEqual([]);
  });

  const wrong: Record<string, { certificates(place: Place): Record<string, string>; says: RegExp }> = {
    'no certificate': { certificates: () => ({}), says: /: it asks for a client certificate: OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY$/ },
    'one of another authority': {
      certificates(place) {
        const { clientCert, clientKey } = makeCertificates(place.home);
        return { OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: clientCert, OTEL_EXPORTER_OTLP_CLIENT_KEY: clientKey };
      },
      says: /: it does not accept the client certificate: OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY$/,
    },
    'an expired one': {
      certificates(place) {
        const { expired, key } = makeCertificates(place.home);
        return { OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: expired, OTEL_EXPORTER_OTLP_CLIENT_KEY: key };
      },
      says: /: it does not accept the client certificate: OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY$/,
    },
    'a key of another certificate': {
      certificates: (place) => ({ ...rightOne(), OTEL_EXPORTER_OTLP_CLIENT_KEY: makeCertificates(place.home).clientKey }),
      says: /: the client certificate and its key do not belong together: OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY$/,
    },
    'a certificate without its key': {
      certificates: () => ({ OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: servers.collector.mutual.certificate }),
      says: /OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY$/,
    },
    'a file that is not there': {
      certificates: () => ({ ...rightOne(), OTEL_EXPORTER_OTLP_CLIENT_KEY: '/nowhere/client.key' }),
      says: /a file of the TLS settings cannot be read: .*\/nowhere\/client\.key/,
    },
  };

  test.each(protocols.flatMap((protocol) => Object.entries(wrong).map(([what, how]) => [protocol, what, how] as const)))('%s: %s is said for each signal, with the settings, and everything is kept for the right one', async (protocol, _, { certificates, says }) => {
    const place = makeTestPlace();
    const service = randomUUID();
    const env = envOf(place, servers.collector, protocol, service);
    const { exitCode, stdout, stderr } = await otelRun({ node, topology: 'parent', args: [node, threeScript, String(COUNT)], env: { ...env, ...certificates(place) } });
    expect([exitCode, stdout]).toEqual([0, '']);
    const [line, ...more] = stderr.trimEnd().split('\n');
    expect([more, line]).toEqual([[], expect.stringMatching(/^otel-run: /)]);
    const parts = line!.slice('otel-run: '.length).split('; ');
    expect(parts).toEqual(threeSignals.map(() => expect.stringMatching(says)));
    expect(threeSignals.map((signal) => keptOf(place, signal) >= COUNT)).toEqual([true, true, true]);
    expect(await drain({ ...env, ...rightOne() })).toMatchObject({ exitCode: 0 });
    await allArrive(service);
  });
});
