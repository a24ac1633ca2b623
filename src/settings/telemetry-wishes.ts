import type { TelemetryWishes } from '../plan/build-plan.ts';
import { traceStoreDir } from '../plan/state-dir.ts';
import type { Destination, OtlpDestination, SignalName } from '../plan/types.ts';
import { isWanted } from './destinations.ts';
import type { Settings } from './types.ts';

/** What a run has found around itself. */
export interface Place {
  readonly stateDir: string | null;
  /** Why nothing can be written there, or null. */
  readonly unwritable: string | null;
  /** Why what is written there will be gone with the container, or null. */
  readonly forgets: string | null;
  readonly localStore: boolean;
  /** Somebody sits there and waits for the end. */
  readonly stdinIsTerminal: boolean;
}

/** Turns settings into what agent and exporter are told: values without their origins. */
export function telemetryWishes(settings: Settings, place: Place): TelemetryWishes {
  const { values } = settings;
  const destinations = chooseDestinations(settings, place);
  return {
    agent: {
      serviceName: settings.serviceName.value,
      serviceVersion: settings.serviceVersion.value,
      resource: Object.fromEntries(Object.entries(settings.resource).map(([key, { value }]) => [key, value])),
      detectors: settings.detectors.value,
      traces: !hasSignal(destinations, 'traces') ? null : { sampler: settings.sampler.value, limits: settings.limits, recordStarts: values['traces.recordStarts'].value },
      metrics: hasSignal(destinations, 'metrics') ? { histograms: values['metrics.histograms'].value === 'base2_exponential_bucket_histogram' ? 'exponential' : 'explicit', views: values['metrics.views'].value, exemplars: values['metrics.exemplars'].value, process: true } : null,
      logs: hasSignal(destinations, 'logs') ? { console: values['logs.console'].value, limits: settings.logLimits } : null,
      propagators: values.propagators.value,
      instrumentations: {
        only: values['instrumentations.only'].value,
        disabled: values['instrumentations.disabled'].value,
        options: settings.instrumentationOptions.value,
        expressLayers: settings.expressLayers.value,
      },
      redact: {
        names: values['redact.names'].value,
        attributes: values['redact.attributes'].value,
        patterns: values['redact.patterns'].value,
        keep: values['redact.keep'].value,
      },
      verbosity: settings.verbosity.value,
    },
    exporter: {
      serviceName: settings.serviceName.value,
      environment: settings.environment.value,
      destinations,
      batch: { scheduleDelayMs: values['batch.delay'].value, maxItems: values['batch.size'].value },
      metrics: { intervalMs: values['metrics.interval'].value, temporality: values['metrics.temporality'].value === 'cumulative' ? 'cumulative' : 'delta', own: values['metrics.own'].value },
      drain: drainOf(settings, place),
      stateDir: place.stateDir,
      notKept: whyNotKept(values.keep.value, place),
    },
  };
}

function drainOf({ values }: Settings, { stdinIsTerminal }: Place): TelemetryWishes['exporter']['drain'] {
  const { value: unreachedMs, origin } = values['drain.unreached'];
  const badMs = values['drain.bad'].value;
  return { unreachedMs: stdinIsTerminal && origin.kind === 'default' ? Math.min(unreachedMs, badMs) : unreachedMs, badMs };
}

function whyNotKept(wish: boolean | null, { stateDir, unwritable, forgets }: Place): string | null {
  if (wish === false) return 'keep (OTEL_RUN_KEEP) is false';
  if (stateDir === null) return 'no home and no OTEL_RUN_STATE_DIR';
  if (unwritable !== null) return `${unwritable}: name a folder in OTEL_RUN_STATE_DIR`;
  return wish === true || forgets === null ? null : `${forgets}: mount a volume there, or name one in OTEL_RUN_STATE_DIR`;
}

/** What names no signal is for traces. */
function hasSignal(destinations: readonly Destination[], signal: SignalName): boolean {
  return destinations.some((destination) => ('signal' in destination ? destination.signal : 'traces') === signal);
}

/** What the specification calls `localhost` is one address: a page on two would need two servers. */
function prometheusHost(host: string | null): string {
  return host === null || host === 'localhost' ? '127.0.0.1' : host;
}

const LOCAL_STORE_BYTES = 64 * 1024 * 1024;

function chooseDestinations(settings: Settings, { stateDir, localStore }: Place): Destination[] {
  const { values, otlp } = settings;
  const destinations: Destination[] = [];
  const exporters = values['traces.exporters'].value;
  if (exporters.includes('otlp')) {
    const backends = chooseBackends(settings, 'traces');
    if (!otlp.traces.configured && backends.every(({ name }) => name === undefined) && localStore && stateDir !== null) {
      destinations.push({ kind: 'store', dir: traceStoreDir(stateDir), capBytes: LOCAL_STORE_BYTES });
    } else destinations.push(...backends);
  }
  if (exporters.includes('console')) destinations.push({ kind: 'console', signal: 'traces' });
  if (values.print.value) destinations.push({ kind: 'print' });
  for (const signal of ['metrics', 'logs'] as const) {
    const wanted = values[`${signal}.exporters`].value;
    if (wanted.includes('otlp')) destinations.push(...chooseBackends(settings, signal));
    if (wanted.includes('console')) destinations.push({ kind: 'console', signal });
    if (wanted.some((name) => name === 'prometheus')) destinations.push({ kind: 'prometheus', signal: 'metrics', host: prometheusHost(values['prometheus.host'].value), port: values['prometheus.port'].value ?? 9464 });
  }
  return destinations;
}

/** By OTLP: that of the settings `otlp`, and those with a name. */
function chooseBackends({ otlp, destinations }: Settings, signal: SignalName): OtlpDestination[] {
  const named = destinations.filter((destination) => destination.signal === signal);
  return [...(isWanted(otlp[signal], named) ? [otlp[signal].destination!] : []), ...named];
}
