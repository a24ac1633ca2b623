/** The exporter's worker thread: reads the spool for every destination of the plan until it is told to drain. */
import { getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { BatchPlan, Destination, ExporterPlan } from '../plan/types.ts';
import { collectEndings } from './endings.ts';
import { followSpool } from './follow.ts';
import { followMetrics, takeOwn } from './metrics/follow-metrics.ts';
import { createSeriesStore, type SeriesStore } from './metrics/series.ts';
import { createOwnMetrics } from './own/own-metrics.ts';
import { serveStatus } from './own/status-socket.ts';
import { timeExports, waitingOf, type ExporterStatus } from './own/status.ts';
import { openKeep, type Keep, type OnLost } from './keep.ts';
import { removeExpired } from './kept-files.ts';
import { makeExporter } from './make-exporter.ts';
import type { DrainLimits, FromWorker, Settled, ToWorker, WorkerInput } from './messages.ts';
import { nanos } from './nanos.ts';
import { adoptOrphans } from './orphans.ts';
import { HURRY_MS, MAX_BODY_BYTES, createPipeline, type Pipeline } from './pipeline.ts';
import { createResender, resendMs, type Resender } from './resend.ts';
import { openSendLock } from './send-lock.ts';
import { viewSpool } from './spool-view.ts';
import { addTally, emptyTally, type DestinationSummary } from './summary.ts';
import type { Exporter } from './types.ts';

const BUSY_MS = 20;
const IDLE_MS = 250;
/** Where nobody looks on and the spool holds what is written meanwhile, even in a burst. */
const LONG_IDLE_MS = 500;
const ROOMY_BYTES = 16 * 1024 * 1024;
const VIEWER_DELAY_MS = 100;
const NICENESS = 10;
/** Above this many bytes waiting the oldest is kept or dropped, so that the writers find room. */
const SPILL_SHARE = 0.5;

void main(workerData as WorkerInput);

async function main({ plan, settled, exporter: self, pulse }: WorkerInput): Promise<void> {
  yieldToApplication();
  const port = parentPort!;
  const post = (message: FromWorker): void => port.postMessage(message);
  const writers = new Set<number>();
  const view = viewSpool(plan.spool, plan.destinations.length, (owner) => {
    writers.add(owner.pid);
    post({ kind: 'writer', owner });
  });
  const own = plan.metrics.own ? createOwnMetrics(self.instance, look) : null;
  const endings = collectEndings();
  const lines = plan.destinations.map((destination, number) => openLine(destination, number));
  const exporters = (await Promise.all(plan.destinations.map((destination, number) => (destination.kind === 'prometheus' ? servePage(destination, number) : makeExporter(destination, process.env))))).map(timeExports);
  const pipelines: Pipeline[] = exporters.map((exporter, number) => startPipeline(exporter, number));
  const resenders: (Resender | null)[] = lines.map(({ keep }, number) => (keep === null ? null : createResender({ keep, exporter: exporters[number]!, lock: openSendLock(keep.lockFile), onLost: (count, reason) => onLost(number, count, reason) })));

  if (plan.stateDir !== null && lines.some(({ keep }) => keep !== null)) for (const { endpoint, count } of removeExpired(plan.stateDir)) onDropped(endpoint, count, 'too old');
  const { lost } = adoptOrphans(plan.spool);
  if (lost > 0) pipelines[0]?.adoptLoss(lost, 'the exporter of an earlier run was killed');
  const idleMs = plan.spoolBytes >= ROOMY_BYTES && plan.destinations.every(({ kind }) => kind === 'otlp') ? LONG_IDLE_MS : IDLE_MS;
  let pause = BUSY_MS;
  let flushedAt = -Infinity;
  let timer: NodeJS.Timeout | null = null;
  let draining = false;
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'flush') {
      if (message.isTold) endings.told(Date.now());
      for (const pipeline of pipelines) pipeline.flush();
      flushedAt = performance.now();
      if (timer !== null) clearTimeout(timer);
      turn();
    } else if (message.kind === 'cut-short') for (const pipeline of pipelines) pipeline.cutShort();
    else void drain(message);
  });
  const status = plan.errand === undefined ? serveStatus(plan.spool, look) : null;
  turn();

  function turn(): void {
    Atomics.add(pulse, 0, 1);
    const before = view.bytes;
    view.refresh();
    for (const pipeline of pipelines) pipeline.tick();
    if (!draining) pipelines.forEach((pipeline, number) => resenders[number]?.tick(pipeline.tally.delivered, pipeline.tally.produced > 0));
    pause = draining || view.bytes !== before || performance.now() - flushedAt < HURRY_MS ? BUSY_MS : Math.min(idleMs, pause * 1.5);
    timer = setTimeout(turn, pause);
  }

  async function drain({ endedAt, deadlineMs, ending }: DrainLimits): Promise<void> {
    if (draining) return;
    draining = true;
    hurry();
    if (ending !== null) endings.note(ending, endedAt);
    if (timer !== null) clearTimeout(timer);
    const resendUntil = performance.now() + Math.min(resendMs(plan), deadlineMs ?? Infinity);
    view.refresh(true);
    const drains = pipelines.map((pipeline) => pipeline.drain(endedAt, deadlineMs ?? Infinity));
    const done = Promise.all(drains);
    if (own !== null) void Promise.all(drains.filter((_, number) => lines[number]!.signal !== 'metrics')).then(() => (own.isFinal = true));
    turn();
    await done;
    if (timer !== null) clearTimeout(timer);
    // What earlier runs have kept, where nobody waits for the end: a short run has had no time for it before.
    await Promise.all(pipelines.map(({ reached, failure, tally }, number) => (plan.errand === 'send-kept' || (resendUntil > performance.now() && (reached || tally.produced === 0) && failure === null) ? resenders[number]?.finish(resendUntil) : resenders[number]?.stop())));
    await Promise.all(exporters.map((exporter) => exporter.close()));
    status?.close();
    post({
      kind: 'drained',
      destinations: pipelines.map((pipeline, number) => summaryOf(pipeline, number)),
      resent: resenders.reduce((sum, resender) => sum + (resender?.resent ?? 0), 0),
      tornBytes: lines.reduce((most, { follower }) => Math.max(most, follower.torn), 0),
    });
    port.close();
  }

  /** What an earlier run had kept and nobody will get any more. */
  function onLost(number: number, count: number, reason: string): void {
    pipelines[number]!.adoptLoss(count, `${reason} (kept by an earlier run)`);
  }

  function onDropped(endpoint: string, count: number, why: string): void {
    post({ kind: 'notice', cause: `${endpoint} ${why}`, line: `${endpoint}: ${count} items that an earlier run had kept are dropped: ${why}` });
  }

  function openLine(destination: Destination, number: number) {
    const signal = signalOf(destination);
    const spooled = followSpool({
      view,
      signal,
      maxItems: plan.batch.maxItems,
      maxBytes: MAX_BODY_BYTES,
      skip: settled[number]?.positions ?? {},
      endings,
    });
    const store = signal === 'metrics' ? openStore(destination, number) : null;
    const follower = store === null ? spooled : followMetrics({ inner: spooled, view, store, intervalMs: destination.kind === 'prometheus' ? null : plan.metrics.intervalMs, own, isSettled: () => waitingOf(pipelines[number]!.tally) === 0 });
    return { signal, follower, store, keep: keepOf(destination, plan, (count, why) => onLost(number, count, why)), isSilent: isSilent(destination), before: settled[number] };
  }

  function openStore(destination: Destination, number: number): SeriesStore {
    const takenOver = Object.keys(settled[number]?.positions ?? {}).length > 0;
    return createSeriesStore({
      temporality: destination.kind === 'otlp' ? (destination.temporality ?? plan.metrics.temporality) : 'cumulative',
      takenOverAt: takenOver ? nanos(Date.now()) : null,
      lingers: destination.kind === 'prometheus',
      onProgress: () => void Atomics.add(pulse, 0, 1),
    });
  }

  async function servePage({ host, port }: Destination & { kind: 'prometheus' }, number: number): Promise<Exporter> {
    const { servePrometheus } = await import('./metrics/prometheus.ts');
    return servePrometheus({
      host,
      port,
      store: lines[number]!.store!,
      refresh() {
        view.refresh();
        pipelines[number]!.tick();
        takeOwn(lines[number]!.store!, own);
      },
      onFault: (reason) => post({ kind: 'notice', cause: `prometheus ${reason}`, line: `metrics cannot be served at http://${host}:${port}/metrics: ${reason}` }),
    });
  }

  function startPipeline(exporter: Exporter, number: number): Pipeline {
    const { signal, follower, keep, isSilent: silent, before } = lines[number]!;
    const positions: Record<string, number> = { ...before?.positions };
    const pipeline: Pipeline = createPipeline({
      reader: number,
      signal,
      view,
      follower,
      exporter,
      keep: plan.notKept === null ? keep : null,
      notKept: silent || plan.destinations[number]!.kind !== 'otlp' ? null : plan.notKept,
      batch: batchOf(plan.destinations[number]!, plan),
      spillBytes: plan.spoolBytes * SPILL_SHARE,
      drain: plan.drain,
      silent,
      settledBefore: before?.positions ?? {},
      // Words of a backend that differ in a number are no news.
      notice: (cause, line) => silent || post({ kind: 'notice', cause: cause === null ? null : `${number} ${cause.replace(/\d+/g, '#')}`, line }),
      settled(changed) {
        Atomics.add(pulse, 0, 1);
        Object.assign(positions, changed);
        for (const name of Object.keys(positions)) if (!view.segments.has(name)) delete positions[name];
        post({ kind: 'settled', destination: number, settled: { positions: { ...positions }, tally: tallyOf(pipeline, before) } });
      },
    });
    return pipeline;
  }

  function look(): ExporterStatus {
    const { user, system } = process.cpuUsage();
    return {
      version: 1,
      run: plan.run,
      service: plan.serviceName,
      pid: process.pid,
      topology: plan.root === null ? 'parent' : 'replace',
      startedAt: self.startedAt,
      restarts: self.restarts,
      writers: [...writers],
      spool: { bytes: view.bytes, capBytes: plan.spoolBytes },
      cpuSeconds: (user + system) / 1e6,
      memoryBytes: process.memoryUsage.rss(),
      destinations: pipelines.map((pipeline, number) => {
        const tally = tallyOf(pipeline, lines[number]!.before);
        const { name, deliveredAt, times } = exporters[number]!;
        return { ...tally, kind: plan.destinations[number]!.kind, name, signal: lines[number]!.signal, waiting: waitingOf(tally), failure: pipeline.failure, deliveredAt, exports: times };
      }),
    };
  }

  function summaryOf(pipeline: Pipeline, number: number): DestinationSummary {
    const { signal, isSilent: silent, before } = lines[number]!;
    return { ...tallyOf(pipeline, before), name: exporters[number]!.name, signal, silent, told: pipeline.told, failure: pipeline.failure };
  }
}

/** The exporter is never ahead of the application on the processor. On Linux a priority is the thread's own, elsewhere left alone. */
function yieldToApplication(): void {
  try {
    if (process.platform === 'linux' && getPriority() < NICENESS) setPriority(NICENESS);
  } catch {
    // A priority is a courtesy.
  }
}

/** Somebody waits for the end now. Only root and who has CAP_SYS_NICE may take a courtesy back. */
function hurry(): void {
  try {
    if (process.platform === 'linux') setPriority(getPriority(process.pid));
  } catch {
    // At the priority that it has.
  }
}

function tallyOf(pipeline: Pipeline, before: Settled | undefined) {
  const sum = emptyTally();
  if (before !== undefined) addTally(sum, before.tally);
  addTally(sum, pipeline.tally);
  return sum;
}

function signalOf(destination: Destination) {
  return 'signal' in destination ? destination.signal : 'traces';
}

/** Who looks on does not want to wait for company. */
function batchOf({ kind }: Destination, { batch }: ExporterPlan): BatchPlan {
  return kind === 'otlp' ? batch : { ...batch, scheduleDelayMs: Math.min(batch.scheduleDelayMs, VIEWER_DELAY_MS) };
}

function isSilent(destination: Destination): boolean {
  return destination.kind === 'otlp' && destination.undelivered === 'drop';
}

function keepOf(destination: Destination, plan: ExporterPlan, onLost: OnLost): Keep | null {
  if (destination.kind !== 'otlp' || destination.undelivered === 'drop' || plan.stateDir === null) return null;
  return openKeep(plan.stateDir, destination, plan, undefined, onLost);
}
