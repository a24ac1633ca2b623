/** What the named destinations mean for each signal. */
import type { OtlpDestination, SignalName } from '../plan/types.ts';
import { FAULT, problemAt } from './origin.ts';
import { composeDestination } from './otlp.ts';
import type { NamedSettings } from './resolve-destinations.ts';
import type { Env, Problem, Settings, SettingValues } from './types.ts';

const SIGNALS: readonly SignalName[] = ['traces', 'metrics', 'logs'];

/** What goes where besides the settings `otlp`. A destination that is the same as another is left out. */
export function composeDestinations(values: SettingValues, main: Settings['otlp'], env: Env, say: (problem: Problem) => void): OtlpDestination[] {
  const found: OtlpDestination[] = [];
  for (const [name, settings] of Object.entries(values.destinations.value)) {
    if (settings.endpoint.value === null) {
      if (settings.endpoint.rejected === undefined) say(problemAt(settings.origin, 'it has no endpoint; nothing is sent there', FAULT));
      continue;
    }
    for (const signal of SIGNALS.filter((one) => settings.signals.value?.includes(one) ?? true)) {
      const exporters = values[`${signal}.exporters`];
      if (!exporters.value.includes('otlp')) {
        // Where somebody has said that there are none, it was meant.
        const isMeant = settings.signals.value === null || exporters.origin.kind !== 'default' || exporters.rejected !== undefined;
        if (!isMeant) say(problemAt(settings.signals.origin, `no ${signal} are exported`, { hint: `--${signal} otlp, or ${signal}.exporters, has them exported` }));
        continue;
      }
      const destination = composeDestination(
        { name, signal, protocol: settings.protocol, endpoint: settings.endpoint, headers: settings.headers, ...plainParts(settings) },
        env,
        say,
      ).destination;
      if (destination === null) continue;
      const others = [...(isWanted(main[signal], [destination]) ? [main[signal].destination!] : []), ...found.filter((other) => other.signal === signal)];
      const twin = others.find((other) => identity(other) === identity(destination));
      if (twin === undefined) found.push(destination);
      else say(problemAt(settings.origin, `its ${signal} go to the endpoint and with the headers of ${twin.name === undefined ? 'the settings otlp' : `destinations.${twin.name}`}; they are sent once`));
    }
  }
  for (const signal of SIGNALS) {
    const named = found.filter((destination) => destination.signal === signal);
    const { destination } = main[signal];
    if (destination === null || isWanted(main[signal], named) || Object.keys(destination.headers).length === 0) continue;
    const { origin } = [values[`otlp.${signal}.headers`], values['otlp.headers']].find(({ value }) => Object.keys(value).length > 0)!;
    say(problemAt(origin, 'these headers go nowhere: otlp.endpoint is not set, and destinations have headers of their own', { hint: 'destinations.<name>.headers, or set the endpoint' }));
  }
  return found;
}

/** Whether the backend of the settings `otlp` gets anything beside `named` ones: only where it has an endpoint, for localhost is nobody's wish then. */
export function isWanted({ destination, origin }: Settings['otlp'][SignalName], named: readonly OtlpDestination[]): boolean {
  return destination !== null && (named.length === 0 || origin.kind !== 'default');
}

function plainParts({ timeout, compression, certificate, clientCertificate, clientKey, insecure, temporality }: NamedSettings) {
  return {
    timeout: timeout.value,
    compression: compression.value,
    ca: certificate.value,
    cert: clientCertificate.value,
    key: clientKey.value,
    insecure: insecure.value,
    temporality: temporality.value,
  };
}

function identity({ url, headers, headerFiles = {} }: OtlpDestination): string {
  const sorted = (values: Readonly<Record<string, string>>): string[][] => Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([url, sorted(headers), sorted(headerFiles)]);
}
