import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import type { LoggerProvider } from '@opentelemetry/api-logs';
import type { AgentPlan } from '../../plan/types.ts';
import { watchBuiltinLoads } from './builtin-loads.ts';
import { entryKind } from './entry-kind.ts';
import type { InstrumentationEntry } from './entry.ts';
import { watchEsModules } from './es-modules.ts';
import { nameFastifyRoutes } from './fastify-routes.ts';
import { createLibraries } from './libraries.ts';
import { watchLibraryLoads, type FindWatch } from './library-loads.ts';
import { mainScript } from '../main-script.ts';
import { measureInstrumentation } from './measure.ts';
import { adjustInstrumentation, instrumentationOptions, instrumentationProvider } from './options.ts';
import { publishReport, reasonOf } from './report.ts';
import { runRequireHooks } from './require-in-the-middle.ts';
import { instrumentationTable } from './table.ts';

/** Where instrumentations report; null: nowhere. */
export interface Providers {
  readonly traces: TracerProvider;
  readonly metrics: MeterProvider | null;
  readonly logs: LoggerProvider | null;
}

/** What the application has of its own that traces. */
export interface Others {
  /** Somebody else traces from now on: what is not patched yet stays as it is. */
  readonly hasYielded: () => boolean;
  readonly watchFile: FindWatch;
}

/**
 * Has every wanted instrumentation constructed when the application first loads its library, and not before.
 * `say` takes lines about what could not be done.
 */
export function installInstrumentations(plan: AgentPlan, providers: Providers, { hasYielded, watchFile }: Others, say: (line: string) => void): void {
  const wanted = instrumentationTable.filter((entry) => isWanted(entry, plan.instrumentations) && (entry.name !== METRICS_ONLY || providers.metrics !== null));
  const entry = entryKind(process.argv, process.execArgv, process.env.NODE_OPTIONS ?? '');
  const constructions = createConstructions(plan, providers, hasYielded, say);
  const libraries = createLibraries({ wanted, construct: constructions.construct, say, verbose: plan.verbosity === 'verbose' });
  publishReport(() => ({ constructed: constructions.names(), libraries: libraries.reports }));

  for (const candidate of wanted) if (hasNothingToWaitFor(candidate)) constructions.construct(candidate);
  watchLibraryLoads((filename) => watchFile(filename) ?? libraries.find(filename));
  watchEsModules({ isWanted: libraries.isWanted, entry, script: mainScript(), note: libraries.noteEsModule, say });
  watchBuiltins(wanted, constructions.construct);
  if (wanted.some(({ name }) => name === 'http')) nameFastifyRoutes();
}

function isWanted({ name, offByDefault }: InstrumentationEntry, { only, disabled }: AgentPlan['instrumentations']): boolean {
  if (disabled.includes(name)) return false;
  return only === null ? !offByDefault || name === METRICS_ONLY : only.includes(name);
}

/** What it measures is wanted wherever metrics are. */
const METRICS_ONLY = 'runtime-node';

interface Constructions {
  /** Null, or why it cannot be had. Constructs once. */
  readonly construct: (entry: InstrumentationEntry) => string | null;
  readonly names: () => readonly string[];
}

function createConstructions(plan: AgentPlan, providers: Providers, hasYielded: Others['hasYielded'], say: (line: string) => void): Constructions {
  const outcomes = new Map<string, string | null>();
  const attempt = (entry: InstrumentationEntry): string | null => {
    try {
      const instrumentation = new (entry.load())(instrumentationOptions(entry.name, plan));
      adjustInstrumentation(entry.name, instrumentation);
      instrumentation.setTracerProvider(instrumentationProvider(entry.name, providers));
      if (providers.metrics !== null) {
        instrumentation.setMeterProvider(providers.metrics);
        measureInstrumentation(entry.name, instrumentation);
      }
      if (providers.logs !== null) instrumentation.setLoggerProvider?.(providers.logs);
      return null;
    } catch (error) {
      const reason = `its instrumentation failed to start (${reasonOf(error)})`;
      say(`${entry.name} is not traced: ${reason}.`);
      return reason;
    }
  };
  return {
    construct(entry) {
      const known = outcomes.get(entry.name);
      if (known !== undefined) return known;
      if (hasYielded()) return 'the application traces itself';
      // Express 5 is built on it and reports the same layers.
      if (entry.name === 'router' && outcomes.get('express') === null) return 'Express reports its own layers';
      outcomes.set(entry.name, null);
      const outcome = attempt(entry);
      outcomes.set(entry.name, outcome);
      return outcome;
    },
    names: () => [...outcomes].filter(([, failure]) => failure === null).map(([name]) => name),
  };
}

/** `undici` listens on a diagnostics channel; the handler of an AWS Lambda function is named by the environment. */
function hasNothingToWaitFor({ name, modules }: InstrumentationEntry): boolean {
  if (modules.length > 0) return false;
  return name !== 'aws-lambda' || process.env._HANDLER !== undefined;
}

function watchBuiltins(wanted: readonly InstrumentationEntry[], construct: Constructions['construct']): void {
  const owners = new Map<string, InstrumentationEntry>();
  for (const candidate of wanted) for (const module of candidate.modules) if (module.builtin) owners.set(module.name, candidate);
  watchBuiltinLoads({
    names: [...owners.keys()],
    patch(name, exports) {
      const owner = owners.get(name);
      if (owner !== undefined && construct(owner) === null) runRequireHooks(exports, name, undefined);
    },
  });
}
