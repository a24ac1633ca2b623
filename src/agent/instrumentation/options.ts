import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import type { InstrumentationConfig } from '@opentelemetry/instrumentation';
import type { AgentPlan, ExpressLayers } from '../../plan/types.ts';
import { awsOptions, guardServices } from './aws-calls.ts';
import { withCallersStack } from './caller-stack.ts';
import { withFailureCodes } from './database-failures.ts';
import { nameRequestErrors, noteBrokenResponse, noteHttpOutcome } from './http-outcome.ts';
import { ioredisStatement, withoutResends } from './ioredis-resends.ts';
import { readLines } from './pino-lines.ts';
import { nameStatement } from './postgres-names.ts';
import { followSubmitted, withSubmitted } from './postgres-submitted.ts';
import { redisStatement } from './redis-statement.ts';
import { measuresOperations, withDurations } from './operation-durations.ts';
import { onStepAside } from './step-aside.ts';
import { readRecords } from './winston-records.ts';
import { wrapInPlace } from './wrap.ts';

type Options = Readonly<Record<string, unknown>>;

/** What an instrumentation is constructed with: ours by default, the user's on top. */
export function instrumentationOptions(name: string, plan: AgentPlan): InstrumentationConfig {
  return { ...ours[name]?.(plan), ...plan.instrumentations.options[name], enabled: true } as InstrumentationConfig;
}

/** Whose tracers it gets: those of `traces`, with what its spans lack, and measured for `metrics`. */
export function instrumentationProvider(name: string, { traces, metrics }: { readonly traces: TracerProvider; readonly metrics: MeterProvider | null }): TracerProvider {
  const provider = metrics !== null && measuresOperations(name) ? withDurations(traces, metrics) : traces;
  return providers[name]?.(provider) ?? provider;
}

/** Once it is constructed. */
export function adjustInstrumentation(name: string, instrumentation: object): void {
  const _wrap = name === 'http' ? wrapHttp : wrapInPlace;
  for (const part of [instrumentation, ...partsOf(instrumentation)]) Object.assign(part, { _wrap });
  if (name === 'aws-sdk') guardServices(instrumentation);
  if (name === 'http') nameRequestErrors(instrumentation);
  if (name === 'pg') followSubmitted(instrumentation);
  if (name === 'bunyan') takeFurther(instrumentation, '>=2.0.0 <3');
  if (name === 'pino') readLines(instrumentation);
  if (name === 'winston') readRecords(instrumentation);
  // It wraps nothing: it listens on diagnostics channels.
  if (name === 'undici') onStepAside(() => (instrumentation as { disable(): void }).disable());
}

/** Lines of its library that it does not name: what a program loads of bunyan 2 is that of bunyan 1. */
function takeFurther(instrumentation: object, range: string): void {
  const { _modules } = instrumentation as { readonly _modules: readonly { supportedVersions: readonly string[] }[] };
  for (const definition of _modules) definition.supportedVersions = [...definition.supportedVersions, range];
}

/** That of `redis` holds one for each line of the library. */
function partsOf(instrumentation: object): readonly object[] {
  return Object.values(instrumentation).filter((value) => typeof value === 'object' && value !== null && '_wrap' in value);
}

const wrapHttp: typeof wrapInPlace = (holder, name, wrapper) =>
  wrapInPlace(holder, name, name === 'request' || name === 'get' ? (...found) => withCallersStack(wrapper(...found)) : wrapper);

const ours: Readonly<Record<string, (plan: AgentPlan) => Options>> = {
  'aws-sdk': () => awsOptions,
  // Routes of the layers that are ignored still give the server span its name.
  express: (plan) => ({ ignoreLayersType: ignoredLayers[plan.instrumentations.expressLayers], spanNameHook: nameHandler }),
  http: () => ({ applyCustomAttributesOnSpan: noteHttpOutcome, responseHook: noteBrokenResponse }),
  // Its own default drops every command outside of a request.
  ioredis: () => ({ requireParentSpan: false, dbStatementSerializer: ioredisStatement }),
  pg: () => ({ requestHook: nameStatement }),
  ...Object.fromEntries(['bunyan', 'pino', 'winston'].map((name) => [name, loggerOptions])),
  redis: () => ({ dbStatementSerializer: redisStatement }),
};

/** Records get the ids of the active span; a second stream in the logger would have nobody to send them to. */
function loggerOptions({ logs }: AgentPlan): Options {
  return { disableLogSending: logs === null };
}

const providers: Readonly<Record<string, (provider: TracerProvider) => TracerProvider>> = {
  ioredis: (provider) => withoutResends(withFailureCodes(provider)),
  pg: (provider) => withSubmitted(withFailureCodes(provider)),
  redis: withFailureCodes,
};

const ignoredLayers: Readonly<Record<ExpressLayers, readonly string[]>> = {
  all: [],
  handlers: ['middleware', 'router'],
  none: ['middleware', 'router', 'request_handler'],
};

/** In Express 5 the instrumentation does not find the route for the name of a handler's span. */
function nameHandler({ layerType, route }: { readonly layerType: string; readonly route: string }, name: string): string {
  return layerType === 'request_handler' && name === 'request handler' && route !== '' ? `request handler - ${route}` : name;
}
