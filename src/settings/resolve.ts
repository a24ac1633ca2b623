import type { SignalName } from '../plan/types.ts';
import { checkKeys, checkVariables } from './check-names.ts';
import type { ConfigFile } from './file-node.ts';
import { composeDestinations } from './destinations.ts';
import { composeIdentity } from './identity.ts';
import { rankOrigin } from './origin.ts';
import { composeOtlp } from './otlp.ts';
import { resolveValue } from './resolve-value.ts';
import { composeSampler } from './sampler.ts';
import type { Sources } from './sources.ts';
import { type Setting, table } from './table.ts';
import type { Env, Flags, Problem, Resolved, Settings, SettingValues } from './types.ts';

export interface ResolveInput {
  readonly flags: Flags;
  readonly env: Env;
  readonly cwd: string;
  readonly file: ConfigFile | null;
  /** What was wrong on the way to the file. */
  readonly problems: readonly Problem[];
  readonly readText: Sources['readText'];
}

/** Flags, environment and config file -> every setting with its origin. Touches nothing but by `readText`. */
export function resolveSettings(input: ResolveInput): Settings {
  const problems: Problem[] = [...input.problems];
  const credentials = new Set<string>();
  const say = (problem: Problem) => void problems.push(problem);
  const sources: Sources = { ...input, say, noteCredential: (name) => void credentials.add(name) };
  // The table gives each key its type, and `resolveValue` obeys the table.
  const values = Object.fromEntries(Object.entries<Setting>(table).map(([key, setting]) => [key, resolveValue(key, setting, sources)])) as SettingValues;
  for (const name of ['', 'TRACES_', 'METRICS_', 'LOGS_'].map((signal) => `OTEL_EXPORTER_OTLP_${signal}ENDPOINT`)) if (/\/\/[^/?#]*@/.test(input.env[name] ?? '')) credentials.add(name);

  const otlp = composeSignals(values, input.env, say);
  const settings: Settings = {
    values,
    ...composeIdentity(values),
    detectors: values.detectors,
    sampler: composeSampler({ sampler: values['traces.sampler'], sample: values['traces.sample'], arg: values['traces.samplerArg'] }, say),
    limits: composeLimits(values),
    logLimits: composeLogLimits(values),
    expressLayers: values['express.layers'],
    instrumentationOptions: values['instrumentations.options'],
    verbosity: composeVerbosity(values),
    wait: values.wait,
    disabled: values.disabled,
    otlp,
    destinations: composeDestinations(values, otlp, input.env, sayOnce(say)),
    credentials: [...credentials],
    file: input.file?.path ?? null,
    problems,
  };
  checkVariables(input.env, say);
  if (input.file !== null) checkKeys(input.file, say);
  return settings;
}

/** What is wrong with the general setting is said once, and of a signal that is not sent nothing. */
function composeSignals(values: SettingValues, env: Env, say: (problem: Problem) => void): Settings['otlp'] {
  const once = sayOnce(say);
  const compose = (signal: SignalName): Settings['otlp'][SignalName] =>
    composeOtlp(signal, values, env, (problem) => {
      if (signal === 'traces' || values[`${signal}.exporters`].value.includes('otlp')) once(problem);
    });
  return { traces: compose('traces'), metrics: compose('metrics'), logs: compose('logs') };
}

/** What is wrong at one place matters to several signals. */
function sayOnce(say: (problem: Problem) => void): (problem: Problem) => void {
  const said = new Set<string>();
  return (problem) => {
    const place = JSON.stringify(problem.origin);
    if (said.has(place)) return;
    said.add(place);
    say(problem);
  };
}

/** The limit of a span, event or link, else the general one. https://opentelemetry.io/docs/specs/otel/common/#configurable-parameters */
function composeLimits(values: SettingValues): Settings['limits'] {
  const general = values['limits.attributeCount'].value;
  const attributeValueLength = values['limits.span.attributeValueLength'].value ?? values['limits.attributeValueLength'].value;
  return {
    ...(attributeValueLength !== null && { attributeValueLength }),
    attributeCount: values['limits.span.attributeCount'].value ?? general,
    eventCount: values['limits.span.events'].value,
    linkCount: values['limits.span.links'].value,
    attributePerEventCount: values['limits.event.attributeCount'].value ?? general,
    attributePerLinkCount: values['limits.link.attributeCount'].value ?? general,
  };
}

function composeLogLimits(values: SettingValues): Settings['logLimits'] {
  const valueLength = values['limits.logRecord.attributeValueLength'].value ?? values['limits.attributeValueLength'].value;
  return { count: values['limits.logRecord.attributeCount'].value ?? values['limits.attributeCount'].value, ...(valueLength !== null && { valueLength }) };
}

function composeVerbosity({ quiet, verbose, logLevel }: SettingValues): Settings['verbosity'] {
  const level = logLevel.value;
  const claims: Resolved<Settings['verbosity']['value'] | null>[] = [
    { value: verbose.value ? 'verbose' : null, origin: verbose.origin },
    { value: quiet.value ? 'quiet' : null, origin: quiet.origin },
    { value: level === null ? null : VERBOSITY[level], origin: logLevel.origin },
  ];
  const strongest = claims.filter(({ value }) => value !== null).sort((a, b) => rankOrigin(a.origin) - rankOrigin(b.origin))[0];
  return { value: strongest?.value ?? 'normal', origin: strongest?.origin ?? quiet.origin };
}

const VERBOSITY = { none: 'quiet', error: 'quiet', warn: 'normal', info: 'normal', debug: 'verbose', verbose: 'verbose', all: 'verbose' } as const;
