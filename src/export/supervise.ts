/** The exporter as its caller sees it: a worker thread that may fail without harm, and that is started again. */
import { rmSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { ExporterPlan } from '../plan/types.ts';
import type { SegmentOwner } from '../spool/frame.ts';
import type { FromWorker, Settled, ToWorker, WorkerInput } from './messages.ts';
import { resendMs } from './resend.ts';
import { listSegments } from './spool-view.ts';
import { droppedCount, emptyTally, summarize, type DestinationSummary, type Summary } from './summary.ts';

export type { DestinationSummary, Summary, Tally } from './summary.ts';

export interface SuperviseOptions {
  /** A line for people, without the `otel-run:` prefix; at most one a cause and minute. */
  onNotice(line: string): void;
  /** Called once for each process that is seen to write. */
  onWriter?(owner: SegmentOwner): void;
  /** The module of the worker thread, where it is not the one beside this file. */
  readonly workerUrl?: URL;
}

export interface SupervisedExporter {
  /** Sends what has been read at once, without waiting for company (the application was told to end). Never throws. */
  flush(): void;
  /**
   * To be called when the writers have ended: sends the rest within the plan's deadlines (at most `deadlineMs`), keeps or
   * counts what is left, removes the spool where it is empty, and ends the worker. Never rejects; later calls get the same promise.
   */
  drain(deadlineMs?: number): Promise<Summary>;
}

const RESTARTS = 3;
const ONE_A_MINUTE_MS = 60_000;
/** What the worker itself may take beyond its deadlines before it is taken for hung. */
const GRACE_MS = 1500;
const LIMITS = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 16 };

/** Starts the exporter in a worker thread of this process. Never throws: a failure is a line and a counted loss. */
export function superviseExporter(plan: ExporterPlan, options: SuperviseOptions): SupervisedExporter {
  const settled: Settled[] = plan.destinations.map(() => ({ positions: {}, tally: emptyTally() }));
  const said = new Map<string, number>();
  const url = options.workerUrl ?? new URL('./worker.ts', import.meta.url);
  let worker: Worker | null = null;
  let restarts = 0;
  let draining: { deadlineMs: number | undefined; resolve: (summary: Summary) => void } | null = null;
  let drained: Promise<Summary> | null = null;

  start();
  return {
    flush: () => tell({ kind: 'flush' }),
    drain(deadlineMs) {
      drained ??= new Promise<Summary>((resolve) => {
        draining = { deadlineMs, resolve };
        if (worker === null) return finish(whatIsSettled());
        tell({ kind: 'drain', deadlineMs: deadlineMs ?? null });
        const most = Math.min(deadlineMs ?? Infinity, 5 * plan.drain.unreachedMs + plan.drain.badMs + resendMs(plan)) + GRACE_MS;
        setTimeout(() => finish(whatIsSettled()), most).unref();
      });
      return drained;
    },
  };

  function start(): void {
    const input: WorkerInput = { plan, settled: settled.map(afterFailure) };
    try {
      worker = new Worker(url, { workerData: input, resourceLimits: LIMITS, execArgv: [], env: workerEnv(plan), stdout: false, stderr: false });
    } catch (error) {
      return onFailure(error);
    }
    const mine = worker;
    mine.on('message', onMessage);
    mine.on('error', (error) => mine === worker && onFailure(error));
    mine.on('exit', (code) => mine === worker && onFailure(new Error(`its thread ended with ${code}`)));
  }

  function onMessage(message: FromWorker): void {
    if (message.kind === 'settled') settled[message.destination] = message.settled;
    else if (message.kind === 'writer') options.onWriter?.(message.owner);
    else if (message.kind === 'notice') notice(message.cause, message.line);
    else finish(summarize(message.destinations, message.resent, message.tornBytes));
  }

  function onFailure(error: unknown): void {
    worker = null;
    if (restarts++ < RESTARTS) {
      start();
      if (draining !== null) tell({ kind: 'drain', deadlineMs: draining.deadlineMs ?? null });
      return;
    }
    notice('failed', `the exporter failed ${restarts} times and is off; telemetry of this run is lost from here on: ${error instanceof Error ? error.message : String(error)}`);
    finish(whatIsSettled());
  }

  function finish(summary: Summary): void {
    const ended = worker;
    worker = null;
    void ended?.terminate();
    if (draining === null) return;
    removeSpool(plan.spool);
    draining.resolve(summary);
    draining = null;
  }

  function tell(message: ToWorker): void {
    worker?.postMessage(message);
  }

  function notice(cause: string, line: string): void {
    const now = Date.now();
    if (now - (said.get(cause) ?? -Infinity) < ONE_A_MINUTE_MS) return;
    said.set(cause, now);
    try {
      options.onNotice(line);
    } catch {
      // A closed stderr is no reason to stop exporting.
    }
  }

  function whatIsSettled(): Summary {
    const destinations = plan.destinations.map((destination, number): DestinationSummary => {
      const isOtlp = destination.kind === 'otlp';
      return {
        ...settled[number]!.tally,
        name: isOtlp ? new URL(destination.url).origin : destination.kind,
        signal: 'signal' in destination ? destination.signal : 'traces',
        silent: isOtlp && destination.undelivered === 'drop',
        failure: 'the exporter failed',
      };
    });
    return summarize(destinations, 0, 0);
  }
}

/** What the failed worker had read and not settled is read again. */
function afterFailure({ positions, tally }: Settled): Settled {
  return { positions, tally: { ...tally, produced: tally.delivered + tally.kept + droppedCount(tally) } };
}

/** Colours and width of the viewers, which a worker thread cannot ask the terminal for; nothing that Node itself would act on. */
function workerEnv({ destinations }: ExporterPlan): Record<string, string> {
  const names = ['NO_COLOR', 'FORCE_COLOR', 'COLORTERM', 'TERM', 'COLUMNS'];
  const looksOn = destinations.some(({ kind }) => kind === 'print' || kind === 'console');
  const env = Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]!]])));
  // Only of a terminal: to open a pipe as process.stderr makes it non-blocking for the application too.
  if (looksOn && env.COLUMNS === undefined && process.getBuiltinModule('node:tty').isatty(2)) env.COLUMNS = String(process.stderr.columns);
  return env;
}

function removeSpool(dir: string): void {
  if (listSegments(dir).length > 0) return;
  try {
    rmSync(dir, { recursive: true, force: true });
  } catch {
    // Left behind; the next run of this user does not mind.
  }
}
