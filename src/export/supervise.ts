/** The exporter as its caller sees it: a worker thread that may fail without harm, and that is started again. */
import { randomUUID } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { ExporterPlan } from '../plan/types.ts';
import type { SegmentOwner } from '../spool/frame.ts';
import { countRest } from './count-rest.ts';
import { nameDestination } from './keep.ts';
import { openLedger } from './ledger.ts';
import type { DrainLimits, FromWorker, Settled, ToWorker, WorkerInput } from './messages.ts';
import { resendMs } from './resend.ts';
import { removeSpool } from '../spool/directory.ts';
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
  /** Sends what has been read at once, without waiting for company; `isTold`: the application was told to end. Never throws. */
  flush(isTold?: boolean): void;
  /**
   * To be called when the writers have ended: sends the rest within the plan's deadlines (at most `deadlineMs`), keeps or
   * counts what is left, removes the spool where it is empty, and ends the worker. Never rejects; later calls get the same promise.
   */
  drain(limits?: Partial<DrainLimits>): Promise<Summary>;
  /** Ends a drain that is under way: what has not been delivered by now is kept or counted. */
  cutShort(): void;
  /** How far each segment has been settled, by destination: for an exporter that goes on with what processes write that live on. */
  settled(): readonly Readonly<Record<string, number>>[];
}

const RESTARTS = 3;
const ONE_A_MINUTE_MS = 60_000;
const MOST_CAUSES = 100;
/** A failure so long ago is no part of a row of failures: applications run for months. */
const FORGIVEN_MS = 10 * 60_000;
/** A worker without a pulse at two looks in a row hangs; the first may be that of a process that was stopped meanwhile. */
const LOOK_MS = 5000;
const LOOK_WHILE_DRAINING_MS = 600;
/** One that has had no pulse yet is being loaded, which takes its time on a machine that is short of processors. */
const LOOKS_WHILE_LOADING = 8;
/** What the worker may take beyond its deadlines. */
const GRACE_MS = 1500;
/** A small young generation: buffers outside the heap go only when it is collected, and few objects fill it here. */
const LIMITS = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 2 };

/** Starts the exporter in a worker thread of this process. Never throws: a failure is a line and a counted loss. */
export function superviseExporter(plan: ExporterPlan, options: SuperviseOptions): SupervisedExporter {
  const settled: Settled[] = plan.destinations.map((_, number) => ({ positions: plan.settled?.[number] ?? {}, tally: emptyTally() }));
  const ledger = openLedger(plan);
  const said = new Map<string, number>();
  const url = options.workerUrl ?? new URL('./worker.ts', import.meta.url);
  const exporter = { instance: randomUUID(), startedAt: Date.now() };
  const pulse = new Int32Array(new SharedArrayBuffer(4));
  let worker: Worker | null = null;
  let looking: NodeJS.Timeout | null = null;
  let restarts = 0;
  let failures = 0;
  let failedAt = -Infinity;
  let draining: { limits: DrainLimits; resolve: (summary: Summary) => void } | null = null;
  let drained: Promise<Summary> | null = null;

  start();
  return {
    flush: (isTold = false) => tell({ kind: 'flush', isTold }),
    cutShort: () => tell({ kind: 'cut-short' }),
    settled: () => settled.map(({ positions }) => positions),
    drain({ endedAt = Date.now(), deadlineMs = null, ending = null } = {}) {
      drained ??= new Promise<Summary>((resolve) => {
        draining = { limits: { endedAt, deadlineMs, ending }, resolve };
        if (worker === null) return finish(whatIsLeft());
        look(LOOK_WHILE_DRAINING_MS);
        tell({ kind: 'drain', endedAt, deadlineMs, ending });
        const most = Math.min(deadlineMs ?? Infinity, 5 * plan.drain.unreachedMs + plan.drain.badMs + resendMs(plan)) + GRACE_MS;
        setTimeout(giveUp, most).unref();
      });
      return drained;
    },
  };

  function start(): void {
    const input: WorkerInput = { plan, settled: settled.map(afterFailure), exporter: { ...exporter, restarts: failures }, pulse };
    Atomics.store(pulse, 0, 0);
    try {
      // What Node or a library has to say is no concern of the reader; viewers write to the descriptor itself.
      worker = new Worker(url, { workerData: input, resourceLimits: LIMITS, execArgv: ['--no-warnings'], env: workerEnv(plan), stdout: true, stderr: true });
    } catch (error) {
      return onFailure(error);
    }
    const mine = worker;
    mine.stdout.resume();
    mine.stderr.resume();
    look(draining === null ? LOOK_MS : LOOK_WHILE_DRAINING_MS);
    mine.on('message', onMessage);
    mine.on('error', (error) => mine === worker && onFailure(error));
    mine.on('exit', (code) => mine === worker && onFailure(new Error(`its thread ended with ${code}`)));
  }

  function onMessage(message: FromWorker): void {
    if (message.kind === 'settled') {
      settled[message.destination] = message.settled;
      ledger.note(message.destination, message.settled.positions);
    }
    else if (message.kind === 'writer') options.onWriter?.(message.owner);
    else if (message.kind === 'notice') notice(message.cause, message.line);
    else finish(summarize(message.destinations, message.resent, message.tornBytes));
  }

  function onFailure(error: unknown): void {
    worker = null;
    if (performance.now() - failedAt > FORGIVEN_MS) restarts = 0;
    failedAt = performance.now();
    if (restarts++ < RESTARTS) {
      failures++;
      start();
      if (draining !== null) tell({ kind: 'drain', ...draining.limits });
      return;
    }
    notice('failed', `the exporter failed ${restarts} times and is off; telemetry of this run is lost from here on: ${error instanceof Error ? error.message : String(error)}`);
    finish(whatIsLeft());
  }

  /** Looks for the worker's pulse from now on. */
  function look(everyMs: number): void {
    if (looking !== null) clearInterval(looking);
    let last = -1;
    let missed = 0;
    looking = setInterval(() => {
      const now = Atomics.load(pulse, 0);
      missed = now === last ? missed + 1 : 0;
      last = now;
      if (missed < (now === 0 && draining !== null ? LOOKS_WHILE_LOADING : 2) || worker === null) return;
      if (draining !== null) return giveUp();
      stopWorker();
      onFailure(new Error('it hangs'));
    }, everyMs);
    looking.unref();
  }

  function giveUp(): void {
    if (draining === null) return;
    stopWorker();
    finish(whatIsLeft());
  }

  function stopWorker(): void {
    const stopped = worker;
    worker = null;
    void stopped?.terminate();
  }

  function finish(summary: Summary): void {
    stopWorker();
    if (draining === null) return;
    if (looking !== null) clearInterval(looking);
    ledger.close();
    removeSpool(plan.spool);
    draining.resolve(summary);
    draining = null;
  }

  function tell(message: ToWorker): void {
    worker?.postMessage(message);
  }

  function notice(words: string | null, line: string): void {
    if (words !== null && wasSaid(words)) return;
    try {
      options.onNotice(line);
    } catch {
      // A closed stderr is no reason to stop exporting.
    }
  }

  /** Within the last minute. Words of a backend that differ at their end are no news. */
  function wasSaid(words: string): boolean {
    const now = performance.now();
    const cause = words.slice(0, 100);
    if (now - (said.get(cause) ?? -Infinity) < ONE_A_MINUTE_MS) return true;
    if (said.size >= MOST_CAUSES) said.delete(said.keys().next().value!);
    said.set(cause, now);
    return false;
  }

  /** The account where no worker is left to give it. */
  function whatIsLeft(): Summary {
    const tallies = draining === null ? settled.map(({ tally }) => tally) : countRest(plan, settled.map(afterFailure), 'the exporter failed');
    const destinations = plan.destinations.map((destination, number): DestinationSummary => {
      const isOtlp = destination.kind === 'otlp';
      return {
        ...tallies[number]!,
        name: isOtlp ? nameDestination(destination) : destination.kind,
        signal: 'signal' in destination ? destination.signal : 'traces',
        silent: isOtlp && destination.undelivered === 'drop',
        told: {},
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
