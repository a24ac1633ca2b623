import type { Destination, OtlpDestination, SamplerPlan } from '../plan/types.ts';
import { destinationTable } from './destination-table.ts';
import { maskUrl } from './endpoint.ts';
import { describeOrigin, originGiven } from './origin.ts';
import type { NamedSettings } from './resolve-destinations.ts';
import { table, type Setting, type SettingKey } from './table.ts';
import type { Origin, Resolved, Row, Settings } from './types.ts';

/** Each setting in words, fit to be shown: no value of a header, no password in a URL. */
export function showSettings(settings: Settings): Row[] {
  return Object.entries<Setting>(table).flatMap(([key, setting]) => {
    const { value, origin, parts, rejected } = composed(key, settings) ?? settings.values[key as SettingKey];
    if (key === 'resource') return showResource(settings);
    if (setting.type === 'views') return [showViews(key, settings.values['metrics.views'])];
    if (setting.type === 'destinations') return showDestinations(settings);
    if (setting.type === 'headers' || setting.type === 'options') return showNames(key, setting, value as object, parts ?? {}, origin);
    return [{ setting: key, value: showValue(setting, value), origin: showOrigin(origin, rejected) }];
  });
}

/** A destination as it may be printed. */
export function maskDestination(destination: Destination): Destination {
  if (destination.kind !== 'otlp') return destination;
  const headers = Object.fromEntries(Object.keys(destination.headers).map((name) => [name, '***']));
  const proxy = destination.proxy && { ...destination.proxy, ...(destination.proxy.credentials !== undefined && { credentials: '***' }) };
  return { ...destination, url: maskUrl(destination.url), headers, ...(proxy && { proxy }) } satisfies OtlpDestination;
}

/** What several settings decide together is shown as it came out. */
function composed(key: string, settings: Settings): Resolved<unknown> | undefined {
  switch (key) {
    case 'service.name':
      return settings.serviceName;
    case 'service.version':
      return settings.serviceVersion;
    case 'environment':
      return settings.environment;
    case 'traces.sampler':
      return { ...settings.sampler, value: describeSampler(settings.sampler.value) };
    default:
      return undefined;
  }
}

function describeSampler(plan: SamplerPlan): string {
  if (plan.kind === 'parentbased') return `parentbased_${describeSampler(plan.root)}`;
  return plan.kind === 'traceidratio' ? `traceidratio ${plan.ratio}` : plan.kind;
}

/** What may be shown whole is listed (`shown` in the table); anything new is hidden until somebody says that it may. */
function showValue(setting: Setting, value: unknown): string {
  if (value === null) return '-';
  if (setting.shown === 'url') return maskUrl(String(value));
  if (setting.shown !== 'value') return '***';
  return Array.isArray(value) ? (value.length === 0 ? 'none' : value.join(', ')) : String(value);
}

function showNames(key: string, setting: Setting, value: object, parts: Readonly<Record<string, Origin>>, origin: Origin): Row[] {
  const names = Object.keys(value);
  if (names.length === 0) return [{ setting: key, value: 'none', origin: showOrigin(origin) }];
  return names.map((name) => ({ setting: `${key}.${name}`, value: setting.type === 'headers' ? '***' : 'set', origin: showOrigin(parts[name] ?? origin) }));
}

function showViews(key: string, { value, origin, rejected }: Settings['values']['metrics.views']): Row {
  const names = value.map(({ selector }) => Object.values(selector).join(' '));
  return { setting: key, value: names.length === 0 ? 'none' : names.join(', '), origin: showOrigin(origin, rejected) };
}

/** Of each destination what is not the default. */
function showDestinations({ values }: Settings): Row[] {
  const named = Object.entries(values.destinations.value);
  if (named.length === 0) return [{ setting: 'destinations', value: 'none', origin: showOrigin(values.destinations.origin, values.destinations.rejected) }];
  return named.flatMap(([name, settings]) =>
    Object.entries<Setting>(destinationTable).flatMap(([part, setting]): Row[] => {
      const { value, origin, parts, rejected } = settings[part as Exclude<keyof NamedSettings, 'origin'>];
      const key = `destinations.${name}.${part}`;
      if (part === 'headerFiles') return []; // among the headers
      if (originGiven({ value, origin, ...(rejected && { rejected }) }) === null) return [];
      return setting.type === 'headers' ? showNames(key, setting, value as object, parts ?? {}, origin) : [{ setting: key, value: showValue(setting, value), origin: showOrigin(origin, rejected) }];
    }),
  );
}

/** Attributes are telemetry and no secret, but for those whose name says otherwise. */
function showResource({ resource }: Settings): Row[] {
  return Object.entries(resource).map(([name, { value, origin }]) => ({
    setting: `resource.${name}`,
    value: /token|secret|passw|pwd|key|auth|credential|cookie|session|dsn|connection/i.test(name) ? '***' : value.includes('://') ? maskUrl(value) : value,
    origin: showOrigin(origin),
  }));
}

function showOrigin(origin: Origin, rejected?: Origin): string {
  return rejected === undefined ? describeOrigin(origin) : `${describeOrigin(origin)} (the value of ${describeOrigin(rejected)} is invalid)`;
}
