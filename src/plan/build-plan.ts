import { basename, dirname } from 'node:path';
import { buildApplicationEnv } from './application-env.ts';
import { lastWordsFile } from './state-dir.ts';
import type { TopologyChoice } from './topology.ts';
import type { AgentPlan, BatchPlan, Destination, ExporterPlan, HandOffPlan, LaunchCommand, LaunchPlan } from './types.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What settings ask for, apart from where and how it runs. */
export interface TelemetryWishes {
  readonly agent: Omit<AgentPlan, 'version' | 'run' | 'preload' | 'handOff'>;
  readonly exporter: Pick<ExporterPlan, 'serviceName' | 'environment' | 'destinations' | 'batch' | 'metrics' | 'drain' | 'stateDir' | 'notKept'>;
}

export interface PlanFacts {
  readonly run: string;
  /** Absolute path of the agent's preload. */
  readonly preload: string;
  readonly choice: TopologyChoice;
  readonly command: LaunchCommand;
  readonly env: Env;
  /** Names of variables that the application does not get. */
  readonly without: readonly string[];
  /** Null where no place was found. */
  readonly spool: { readonly dir: string; readonly handOffDir: string; readonly capBytes: number } | null;
  /** The hand-off of the otel-run around this one, whose exporter takes ours too, or null. */
  readonly outer: OuterRun | null;
  readonly launcher: { readonly pid: number; readonly start: string | null };
  readonly termDelayMs: number;
}

export interface OuterRun {
  readonly run: string;
  readonly handOff: HandOffPlan;
}

const NO_SPOOL =
  'none of /dev/shm, the temporary directory and /var/tmp, or what OTEL_RUN_SPOOL_DIR names, can be written and has room for the spool; --in-process needs none';

/** Puts together what launcher, agent and exporter are told. */
export function buildPlan(facts: PlanFacts, wishes: TelemetryWishes): LaunchPlan {
  const { choice, command, env } = facts;
  if (choice.topology === 'off') return planWithout(facts, choice);
  const { destinations, batch } = wishes.exporter;
  const handOff = chooseHandOff(facts, destinations, batch);
  if (handOff === null) return planWithout(facts, { ...choice, reason: NO_SPOOL });

  const run = facts.outer?.run ?? facts.run;
  const agent: AgentPlan = { version: 1, run, preload: facts.preload, handOff, ...wishes.agent };
  const exporter: ExporterPlan | null =
    handOff.kind === 'in-process' || facts.outer !== null
      ? null
      : {
          version: 1,
          run,
          spool: facts.spool!.dir,
          spoolBytes: handOff.capBytes,
          ...wishes.exporter,
          noticeFile: handOff.noticeFile,
          lastWordsFiles: findLastWordsFiles(wishes.exporter, dirname(facts.spool!.dir)),
          // This process becomes the application and keeps its pid and start time.
          root: choice.topology === 'replace' ? facts.launcher : null,
          verbosity: wishes.agent.verbosity,
        };
  return { ...choice, command, env: buildApplicationEnv(env, agent, facts.without), agent, exporter, termDelayMs: facts.termDelayMs };
}

/** One for each backend. What nobody configured has nothing to say. */
function findLastWordsFiles({ stateDir, destinations }: TelemetryWishes['exporter'], spools: string): string[] {
  const backend = destinations.find((destination) => destination.kind === 'otlp' && destination.undelivered === 'keep');
  // A service may have no home: beside the spools of this user is a place that it can write. One made for this run alone goes with it.
  const places = [stateDir, /^otel-run-\d+$/.test(basename(spools)) ? spools : null];
  return backend?.kind !== 'otlp' ? [] : places.filter((place) => place !== null).map((place) => lastWordsFile(place, backend.url));
}

/** The command alone, its environment untouched. */
export function planWithout(facts: Pick<PlanFacts, 'command' | 'env' | 'termDelayMs'>, choice: Omit<TopologyChoice, 'topology'>): LaunchPlan {
  const { start, reason } = choice;
  return { topology: 'off', start, reason, command: facts.command, env: buildApplicationEnv(facts.env, null, []), agent: null, exporter: null, termDelayMs: facts.termDelayMs };
}

/** No stock exporter takes it from us, and the plan is in the environment. */
function withoutProxy(destination: Destination): Destination {
  if (destination.kind !== 'otlp') return destination;
  const { proxy: _, ...rest } = destination;
  return rest;
}

function chooseHandOff(facts: PlanFacts, destinations: readonly Destination[], batch: BatchPlan): HandOffPlan | null {
  if (facts.choice.topology === 'in-process') return { kind: 'in-process', destinations: destinations.map(withoutProxy), batch };
  if (facts.outer !== null) return facts.outer.handOff;
  if (facts.spool === null) return null;
  const { dir, handOffDir, capBytes } = facts.spool;
  return { kind: 'spool', dir: handOffDir, capBytes, noticeFile: facts.choice.topology === 'replace' ? `${dir}/notices` : null };
}
