/** `destinations` of the config file: further OTLP backends, each with settings of its own. */
import type { OtlpDestination, SignalName } from '../plan/types.ts';
import { destinationTable } from './destination-table.ts';
import { readScalar, type FileEntry } from './file-node.ts';
import { findNearest } from './nearest.ts';
import { DEFAULT_ORIGIN, problemAt, quote } from './origin.ts';
import { composeDestination } from './otlp.ts';
import { at, fileOrigin, findNode, type Sources } from './sources.ts';
import type { Setting, Value } from './table.ts';
import type { Env, Origin, Problem, Resolved, Settings, SettingValues } from './types.ts';

type Table = typeof destinationTable;
type Part = keyof Table;

/** The settings of one destination. */
export type NamedSettings = { readonly [P in Part]: Resolved<Value<Table[P]>> } & { readonly origin: Origin };

const PARTS = Object.keys(destinationTable) as Part[];
const SIGNALS: readonly SignalName[] = ['traces', 'metrics', 'logs'];
const FAULT = { severity: 'error', strict: true } as const;

/** The settings of each destination, by name. `resolve` finds one of them. */
export function resolveDestinations(
  key: string,
  sources: Sources,
  resolve: (key: string, setting: Setting, sources: Sources) => Resolved<unknown>,
): Resolved<Readonly<Record<string, NamedSettings>>> {
  const node = findNode(key, sources.file);
  if (node === null || (node.kind === 'scalar' && readScalar(node) === null)) return { value: {}, origin: DEFAULT_ORIGIN };
  const origin = fileOrigin(key, node, sources.file!);
  if (node.kind !== 'map') {
    sources.say(problemAt(origin, 'expected names, each with its settings; it is not used', FAULT));
    return { value: {}, origin: DEFAULT_ORIGIN, rejected: origin };
  }
  const value: Record<string, NamedSettings> = {};
  for (const entry of node.entries) {
    const name = entry.key;
    const where = { ...origin, ...entry.at, name: `${key}.${name}` };
    const fault = findFault(entry);
    if (fault !== null) {
      sources.say(problemAt(where, `${fault}; nothing is sent there`, FAULT));
      continue;
    }
    checkParts(entry, where, sources.say);
    const parts = PARTS.map((part) => [part, resolve(`${key}.${name}.${part}`, destinationTable[part], sources)] as const);
    value[name] = { ...Object.fromEntries(parts), origin: where } as NamedSettings;
  }
  return { value, origin };
}

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

function findFault({ key, value }: FileEntry): string | null {
  if (!/^[\w-]+$/.test(key)) return `${quote(key)} is no name: letters, digits, - and _`;
  return value.kind === 'map' ? null : `expected ${PARTS.slice(0, 3).join(', ')} …`;
}

function checkParts({ key, value }: FileEntry, where: Origin, say: (problem: Problem) => void): void {
  if (value.kind !== 'map') return;
  for (const { key: part, at: place } of value.entries) {
    if (part in destinationTable) continue;
    const nearest = part === 'url' ? 'endpoint' : findNearest(part, PARTS);
    say(problemAt({ ...at(where, place), name: '' }, `unknown key ${quote(`destinations.${key}.${part}`)}; it is not used`, { ...FAULT, hint: nearest === null ? `one of ${PARTS.join(', ')}` : `did you mean ${quote(nearest)}?` }));
  }
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
