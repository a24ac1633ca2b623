/**
 * Agents that have no part in the OpenTelemetry API and that an application starts in its own code. (Those that
 * NODE_OPTIONS or the command line name are the guard's; those that register at the API tell us by that.)
 *
 * Each shows in its own way that it traces; to be loaded is not to trace.
 */
import { join } from 'node:path';
import type { FindWatch } from './instrumentation/library-loads.ts';

interface OtherAgent {
  readonly name: string;
  /** The file that makes what the application gets, within node_modules. */
  readonly file: string;
  /** Calls back when it begins to trace, now or later. */
  readonly whenActive: (exports: unknown, report: () => void) => void;
}

const agents: readonly OtherAgent[] = [
  { name: 'dd-trace', file: 'dd-trace/packages/dd-trace/index.js', whenActive: (tracer, report) => whenSet(tracer, '_initialized', report) },
  // Without a licence key it stays here; the first that it does otherwise is to call its collector.
  { name: 'newrelic', file: 'newrelic/lib/agent.js', whenActive: (Agent, report) => whenCalled(partOf(Agent, 'prototype'), 'setState', (agent, state) => state === 'connecting' || isServerless(agent), report) },
  // The first that it sets when it is started and not switched off; the next is its client, which asks its server at once.
  { name: 'elastic-apm-node', file: 'elastic-apm-node/index.js', whenActive: (agent, report) => whenSet(agent, '_agentActivationMethod', report) },
  // These load what patches http when they begin, and never where tracing is switched off.
  { name: 'Instana', file: '@instana/core/src/tracing/instrumentation/protocols/httpServer.js', whenActive: (_, report) => report() },
  { name: '@google-cloud/trace-agent', file: '@google-cloud/trace-agent/build/src/plugins/plugin-http.js', whenActive: (_, report) => report() },
  { name: 'AppDynamics', file: 'appdynamics/lib/core/agent.js', whenActive: (api, report) => whenSet(partOf(api, '__agent'), 'initialized', report) },
  // Until 2; from 3 on it is an OpenTelemetry SDK.
  {
    name: 'applicationinsights',
    file: 'applicationinsights/out/AutoCollection/CorrelationContextManager.js',
    whenActive: (exports, report) => whenSet(partOf(exports, 'CorrelationContextManager'), 'enabled', report),
  },
];

/** What to do around the evaluation of a file; undefined for all but those of other agents. */
export function watchOtherAgents(onActive: (name: string) => void): FindWatch {
  const files = agents.map((agent) => ({ ...agent, end: join('/node_modules', agent.file) }));
  return (filename) => {
    const found = files.find(({ end }) => filename.endsWith(end));
    if (found === undefined) return undefined;
    return (exports) => {
      found.whenActive(exports, () => onActive(found.name));
      return exports;
    };
  };
}

/** The first Sentry that registers nothing at the OpenTelemetry API. */
const SENTRY_OF_ITS_OWN = 11;

/**
 * Whether Sentry makes spans here, by its own rule: it was given a rate or a sampler. It comes as CommonJS, as ES
 * modules or within a bundle; what all of them share is a place on the global object, by version:
 * https://github.com/getsentry/sentry-javascript/blob/develop/packages/core/src/carrier.ts
 */
export function sentryTraces(): boolean {
  const versions: unknown = (globalThis as { __SENTRY__?: unknown }).__SENTRY__;
  if (!isObject(versions)) return false;
  try {
    return Object.keys(versions).some((version) => Number.parseInt(version) >= SENTRY_OF_ITS_OWN && hasRate(versions[version]));
  } catch {
    return false;
  }
}

function hasRate(carrier: unknown): boolean {
  const { defaultCurrentScope: scope } = carrier as { defaultCurrentScope?: { getClient(): { getOptions(): { tracesSampleRate?: unknown; tracesSampler?: unknown } } | undefined } };
  const options = scope?.getClient()?.getOptions();
  return options !== undefined && ((options.tracesSampleRate ?? null) !== null || Boolean(options.tracesSampler));
}

/** The owner's property is an ordinary one before and after; until it holds something, its owner alone writes it. */
function whenSet(owner: unknown, name: string, report: () => void): void {
  if (!isObject(owner)) return;
  const { value: first, enumerable = false } = Object.getOwnPropertyDescriptor(owner, name) ?? {};
  if (first) return report();
  let value: unknown = first;
  Object.defineProperty(owner, name, {
    configurable: true,
    enumerable,
    get: () => value,
    set(next: unknown) {
      value = next;
      if (!next) return;
      Object.defineProperty(owner, name, { configurable: true, enumerable: true, writable: true, value });
      report();
    },
  });
}

/** The owner's function is its own again once it was called in the way that is looked for. */
function whenCalled(owner: unknown, name: string, isIt: (self: unknown, argument: unknown) => boolean, report: () => void): void {
  const { value: original, ...attributes } = (isObject(owner) && Object.getOwnPropertyDescriptor(owner, name)) || {};
  if (!isObject(owner) || typeof original !== 'function') return;
  const watched = function (this: unknown, ...args: unknown[]): unknown {
    if (isIt(this, args[0]) && owner[name] === watched) {
      Object.defineProperty(owner, name, { ...attributes, value: original });
      report();
    }
    return Reflect.apply(original, this, args);
  };
  Object.defineProperty(owner, name, { ...attributes, value: watched });
}

/** Of newrelic: in a function of AWS Lambda it calls nobody. */
function isServerless(agent: unknown): boolean {
  return partOf(partOf(partOf(agent, 'config'), 'serverless_mode'), 'enabled') === true;
}

function partOf(owner: unknown, name: string): unknown {
  return isObject(owner) ? owner[name] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (typeof value === 'object' || typeof value === 'function') && value !== null;
}
