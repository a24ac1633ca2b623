import { basename, dirname, join } from 'node:path';
import { withPreload } from '../plan/application-env.ts';
import { planWithout } from '../plan/build-plan.ts';
import type { ExporterPlan, LaunchPlan } from '../plan/types.ts';
import { copyAgent } from './agent-place.ts';
import { become } from './become.ts';
import { endAs } from './ending.ts';
import { startExporterProcess } from './exporter-process.ts';
import type { HeldChannel } from './relay-ipc.ts';
import { isSpoolEmpty, makeSpool, removeSpool } from './spool-place.ts';
import { startWhenNeeded } from './start-when-needed.ts';
import type { Surroundings } from './surroundings.ts';
import { startCommand } from './wait.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** An exporter that runs inside this process, beside the application. */
export interface ExporterBeside {
  /** Sends what has been read, without waiting for company: the application was told to end. */
  flush(): void;
  /** Sends what is left, within its deadline behind the application's end. Comes back with a line that says what was not delivered, or null. */
  drain(endedAt: number): Promise<string | null>;
  /** Ends a drain that is under way. */
  cutShort(): void;
}

export interface LaunchTools {
  /** Our own environment, untouched. */
  readonly env: Env;
  /** The channel of the process that forked us, or null. */
  readonly ipc: HeldChannel | null;
  /** Directory of the built exporter. */
  readonly dist: string;
  say(line: string): void;
  startExporterBeside(plan: ExporterPlan): Promise<ExporterBeside>;
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
  const plan = prepare(planned, around, tools);
  if (plan.start === 'become') {
    const failure = become(plan.command, plan.env);
    if (plan.agent?.verbosity === 'verbose') tools.say(`waits for the application instead of becoming it: ${failure}`);
  }
  let exporter: ExporterBeside | null = null;
  const application = await startCommand(plan.command, plan.env, { ...around, ipc: tools.ipc, termDelayMs: plan.termDelayMs, onSignal: () => exporter?.flush() }).catch((error: unknown) => {
    if (plan.exporter !== null) removeSpool(plan.exporter.spool);
    throw error;
  });
  if (plan.topology === 'parent' && plan.exporter !== null) {
    const { exporter: told } = plan;
    exporter = startWhenNeeded(() => startBeside(told, tools), () => isSpoolEmpty(told.spool) && !tools.outlives(told.run), () => removeSpool(told.spool), () => void tools.claimSpool(told).catch(() => {}));
  }
  const ending = await application.ended;
  const [loss] = await Promise.all([exporter === null ? null : drain(exporter), application.lastMessagesSent()]);
  if (loss !== null) tools.say(loss);
  return endAs(ending);
}

/** systemd and others signal one process after the other: what comes so soon was meant for the application. */
const SAME_SIGNAL_MS = 100;

/** A signal behind the application's end, a second Ctrl-C for instance, is for us: whoever sends it does not want to wait. */
function drain(exporter: ExporterBeside): Promise<string | null> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
  const since = performance.now();
  const cutShort = (): void => {
    if (performance.now() - since > SAME_SIGNAL_MS) exporter.cutShort();
  };
  // To the very end: a third Ctrl-C must not replace the application's exit code.
  for (const signal of signals) process.on(signal, cutShort);
  return exporter.drain(Date.now());
}

/** Makes what must be there before the application starts. Where that fails, what is left is the command alone. */
function prepare(plan: LaunchPlan, { unmarkedDescriptors }: Surroundings, { env, dist, say }: LaunchTools): LaunchPlan {
  try {
    if (plan.exporter !== null) makeSpool(plan.exporter.spool);
    const ready = prepareAgent(plan, env, join(dist, 'agent'));
    if (ready.exporter !== null && ready.topology === 'replace') {
      startExporterProcess(ready.exporter, { exporterFile: join(dist, 'exporter.js'), env, unmarkedDescriptors });
    }
    return ready;
  } catch (error) {
    say(`the application runs without telemetry: ${error instanceof Error ? error.message : String(error)}`);
    return planWithout({ command: plan.command, env, termDelayMs: plan.termDelayMs }, plan);
  }
}

/** Where no copy can be made, the installed agent has to do. */
function prepareAgent(plan: LaunchPlan, env: Env, installed: string): LaunchPlan {
  if (plan.agent === null) return plan;
  try {
    copyAgent(installed, dirname(plan.agent.preload));
    return plan;
  } catch {
    return withPreload(plan, env.NODE_OPTIONS, join(installed, basename(plan.agent.preload)));
  }
}

async function startBeside(plan: ExporterPlan, { say, startExporterBeside }: LaunchTools): Promise<ExporterBeside | null> {
  try {
    return await startExporterBeside(plan);
  } catch (error) {
    say(`nothing is exported: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}
