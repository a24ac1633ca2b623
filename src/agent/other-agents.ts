/**
 * Agents that have no part in the OpenTelemetry API and that an application starts in its own code. (Those that
 * NODE_OPTIONS or the command line name are the guard's; those that register at the API tell us by that.)
 */
import { join } from 'node:path';
import type { FindWatch } from './instrumentation/library-loads.ts';

interface OtherAgent {
  readonly name: string;
  /** The file that makes what the application gets, within node_modules. */
  readonly file: string;
  /** Calls back when it begins to trace, now or later: to load an agent is not to start it. */
  readonly whenActive: (exports: unknown, report: () => void) => void;
}

const agents: readonly OtherAgent[] = [
  { name: 'dd-trace', file: 'dd-trace/packages/dd-trace/index.js', whenActive: (tracer, report) => whenSet(tracer, '_initialized', report) },
  // Without a licence key or a configuration it hands out a stub.
  { name: 'newrelic', file: 'newrelic/index.js', whenActive: (api, report) => void (isObject(api) && isObject(api['agent']) && report()) },
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

/** Keeps the property what it was: a value that its owner reads and writes. */
function whenSet(owner: unknown, name: string, report: () => void): void {
  if (!isObject(owner) || !Object.hasOwn(owner, name)) return;
  let value = owner[name];
  if (value === true) return report();
  Object.defineProperty(owner, name, {
    configurable: true,
    enumerable: true,
    get: () => value,
    set(next: unknown) {
      value = next;
      if (next === true) report();
    },
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (typeof value === 'object' || typeof value === 'function') && value !== null;
}
