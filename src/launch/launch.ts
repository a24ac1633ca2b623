import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { withPreload } from '../plan/application-env.ts';
import { planWithout } from '../plan/build-plan.ts';
import type { ExporterPlan, LaunchPlan } from '../plan/types.ts';
import { become } from './become.ts';
import { endAs, type Ending } from './ending.ts';
import { startExporterProcess } from './exporter-process.ts';
import { copyProgram } from './program-place.ts';
import type { HeldChannel } from './relay-ipc.ts';
import { removeSpool } from '../spool/directory.ts';
import { isSpoolEmpty, makeSpool } from './spool-place.ts';
import { startWhenNeeded } from './start-when-needed.ts';
import type { Surroundings } from './surroundings.ts';
import { startCommand } from './wait.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** An exporter that runs inside this process, beside the application. */
export interface ExporterBeside {
  /** Sends what has been read, without waiting for company; `isTold`: the application was told to end. */
  flush(isTold: boolean): void;
  /** Sends what is left, within its deadline behind the application's end. Comes back with a line that says what was not delivered, or null. */
  drain(endedAt: number, ending: Ending & { readonly pid: number }): Promise<string | null>;
  /** Ends a drain that is under way. */
  cutShort(): void;
}

export interface LaunchTools {
  /** Our own environment, untouched. */
  readonly env: Env;
  /** The channel of the process that forked us, or null. */
  readonly ipc: HeldChannel | null;
  /** Directory of what is installed. */
  readonly dist: string;
  say(line: string): void;
  /** `program`: directory of what is loaded for it. */
  startExporterBeside(plan: ExporterPlan, program: string): Promise<ExporterBeside>;
  /** Writes into the spool whose it is, for the next run, should this one be killed. */
  claimSpool(plan: ExporterPlan): Promise<void>;
  /** Whether a process of this run is still there when the command has ended. */
  outlives(run: string): boolean;
}

/**
 * Carries a plan out: this process becomes the application, or ends as the application ended. What fails on our
 * side before the application runs costs its telemetry, never the application.
 */
export async function launch(planned: LaunchPlan, around: Surroundings, tools: LaunchTools): Promise<never> {
  const { plan, program } = prepare(planned, around, tools);
  if (plan.start === 'become') {
    const failure = become(plan.command, plan.env);
    if (plan.agent?.verbosity === 'verbose') tools.say(`waits for the application instead of becoming it: ${failure}`);
  }
  let exporter: ExporterBeside | null = null;
  const application = await startCommand(plan.command, plan.env, { ...around, ipc: tools.ipc, termDelayMs: plan.termDelayMs, onSignal: (signal) => exporter?.flush(TELLS_TO_END.has(signal)) }).catch((error: unknown) => {
    if (plan.exporter !== null) removeSpool(plan.exporter.spool);
    throw error;
  });
  if (plan.topology === 'parent' && plan.exporter !== null) {
    const { exporter: told } = plan;
    exporter = startWhenNeeded(() => startBeside(told, program, tools), () => isSpoolEmpty(told.spool) && !tools.outlives(told.run), () => removeSpool(told.spool), () => void tools.claimSpool(told).catch(() => {}));
  }
  const ending = await application.ended;
  const [loss] = await Promise.all([exporter === null ? null : drain(exporter, { pid: application.pid, ...ending }), application.lastMessagesSent()]);
  if (loss !== null) tools.say(loss);
  return endAs(ending);
}

const TELLS_TO_END: ReadonlySet<string> = new Set(['SIGTERM', 'SIGINT', 'SIGHUP']);

/** systemd and others signal one process after the other: what comes so soon was meant for the application. */
const SAME_SIGNAL_MS = 100;

/** A signal behind the application's end, a second Ctrl-C for instance, is for us: whoever sends it does not want to wait. */
function drain(exporter: ExporterBeside, ending: Ending & { readonly pid: number }): Promise<string | null> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
  const since = performance.now();
  const cutShort = (): void => {
    if (performance.now() - since > SAME_SIGNAL_MS) exporter.cutShort();
  };
  // To the very end: a third Ctrl-C must not replace the application's exit code.
  for (const signal of signals) process.on(signal, cutShort);
  // Nobody is left for these, and they would end us.
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => {});
  return exporter.drain(Date.now(), ending);
}

interface Prepared {
  readonly plan: LaunchPlan;
  /** Directory of what will be loaded from now on. */
  readonly program: string;
}

/** Makes what must be there before the application starts. Where that fails, what is left is the command alone. */
function prepare(planned: LaunchPlan, { unmarkedDescriptors }: Surroundings, { env, dist, say }: LaunchTools): Prepared {
  try {
    if (planned.exporter !== null) makeSpool(planned.exporter.spool);
    const prepared = prepareProgram(planned, env, dist);
    const { plan, program } = prepared;
    // Every Node process below would refuse to start.
    if (plan.agent !== null && !existsSync(plan.agent.preload)) throw new Error(`the agent is not there: ${plan.agent.preload} (install otel-run again)`);
    if (plan.exporter !== null && plan.topology === 'replace') {
      startExporterProcess(plan.exporter, { exporterFile: join(program, 'exporter.js'), env, unmarkedDescriptors });
    }
    return prepared;
  } catch (error) {
    if (planned.exporter !== null) removeSpool(planned.exporter.spool);
    say(`the application runs without telemetry: ${error instanceof Error ? error.message : String(error)}`);
    return { plan: planWithout({ command: planned.command, env, termDelayMs: planned.termDelayMs }, planned), program: dist };
  }
}

/** Where no copy can be made, what is installed has to do. */
function prepareProgram(plan: LaunchPlan, env: Env, dist: string): Prepared {
  if (plan.agent === null) return { plan, program: dist };
  const program = dirname(dirname(plan.agent.preload));
  try {
    copyProgram(dist, program);
    return { plan, program };
  } catch {
    return { plan: withPreload(plan, env.NODE_OPTIONS, join(dist, relative(program, plan.agent.preload))), program: dist };
  }
}

async function startBeside(plan: ExporterPlan, program: string, { say, startExporterBeside }: LaunchTools): Promise<ExporterBeside | null> {
  try {
    return await startExporterBeside(plan, program);
  } catch (error) {
    say(`nothing is exported: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}
