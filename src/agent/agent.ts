/**
 * The agent of one process (or worker thread) of the application. Loaded by the guard, `register.js`, which
 * catches whatever is thrown here: then the application runs without us.
 */
import { threadId } from 'node:worker_threads';
import { ProxyTracerProvider, TraceFlags, type Attributes, type TracerProvider } from '@opentelemetry/api';
import { FrameType, Signal } from '../spool/frame.ts';
import { currentOwner } from '../spool/owner.ts';
import { createSegmentWriter } from '../spool/segment-writer.ts';
import type { AgentPlan, HandOffPlan } from '../plan/types.ts';
import { createActiveContext, type ActiveContext } from './api/context.ts';
import { registerApi } from './api/global-api.ts';
import { createSpanEncoder, encodeResource } from './encode/span.ts';
import { watchEndings } from './exit/endings.ts';
import { createLife, type Life } from './exit/life.ts';
import { createHandOff, type HandOff } from './hand-off/hand-off.ts';
import { claimNotices } from './hand-off/notices.ts';
import { createScopes, type Scopes } from './hand-off/scopes.ts';
import { describeUntold } from './hand-off/untold.ts';
import { installInstrumentations, type Others } from './instrumentation/index.ts';
import { stepAside } from './instrumentation/step-aside.ts';
import { sentryTraces, watchOtherAgents } from './other-agents.ts';
import { contextOfEnvironment } from './propagation/environment.ts';
import { createPropagator, createSwitch } from './propagation/propagator.ts';
import { createRedactor, type Redactor } from './redact/redact.ts';
import { startLogging, type Logging } from './logger/logging.ts';
import { startMetering, type Metering } from './meter/metering.ts';
import { detectResource } from './resource/resource.ts';
import { isStackFull } from './stack.ts';
import type { StartLog } from './tracer/open-spans.ts';
import { createPassThrough, createTracing, type SpanSink, type Tracing } from './tracer/tracer.ts';
import { reachWorkers } from './worker-env.ts';

// Taken before the application can replace it.
const { setImmediate: nextTurn, setTimeout: later } = globalThis;

/** Says one line on stderr, once a cause. */
export type Say = (cause: string, text: string) => void;

export function start(plan: AgentPlan, say: Say): void {
  const redactor = createRedactor(plan.redact);
  const resource = redactor.attributes(detectResource(plan));
  const way = openWay(plan, resource, redactor, () => tracing.recordAgain(), say);
  const tracing: Tracing = plan.traces === null ? createPassThrough() : createTracing(plan.traces, resource, way.sink, way.starts, () => lookForSentry());

  const propagator = createSwitch(createPropagator(plan.propagators));
  const active = createActiveContext(contextOfEnvironment(propagator, process.env));
  let hasYielded = false;
  /** An agent that brings a provider for the API as well is named once. */
  const yieldTo = (successor: TracerProvider, cause: string, line: string): void => {
    tracing.turnOff(successor);
    // An SDK that sends no context, or sends it another way, has no propagator to take the place of ours.
    propagator.turnOff();
    stepAside();
    if (!hasYielded) say(cause, line);
    hasYielded = true;
  };
  registerApi(
    {
      ...(plan.traces === null ? {} : { trace: tracing.provider }),
      ...(way.metering === null ? {} : { metrics: way.metering.provider }),
      context: active.manager,
      propagation: propagator,
    },
    (kind, instance) => {
      if (kind === 'metrics') way.metering?.turnOff();
      if (kind !== 'trace' || instance === undefined) return;
      yieldTo(instance as TracerProvider, 'own-sdk', "the application sets up OpenTelemetry itself: otel-run leaves this process's traces to it.");
    },
  );
  watchProcess(tracing, way, active);
  reachWorkers(plan);
  const yieldToAgent = (name: string): void => {
    way.metering?.turnOff();
    if (!hasYielded) yieldTo(new ProxyTracerProvider(), 'other-agent', `${name} is active in this application and keeps its telemetry; otel-run adds none from now on.`);
  };
  const lookForSentry = (): void => {
    if (!hasYielded && sentryTraces()) yieldToAgent('Sentry');
  };
  const watchAgents = watchOtherAgents(yieldToAgent);
  const others: Others = {
    hasYielded() {
      lookForSentry();
      return hasYielded;
    },
    watchFile(filename) {
      lookForSentry();
      return watchAgents(filename);
    },
  };
  instrument(plan, tracing, way, others, say);
}

/** Where finished spans go, and what an ending process must do about them. */
export interface Way {
  readonly sink: SpanSink;
  /** Null where nothing outlives the process. */
  readonly starts: StartLog | null;
  /** Null where metrics go nowhere. */
  readonly metering: Metering | null;
  /** Null where log records go nowhere. */
  readonly logging: Logging | null;
  /** Null where nobody would make anything of a crash. */
  readonly life: Life | null;
  flush(): void;
  loopMayEnd(): void;
  end(): void;
}

function openWay(plan: AgentPlan, resource: Attributes, redactor: Redactor, onSegment: () => void, say: Say): Way {
  if (plan.handOff.kind === 'in-process') {
    // A bundle of its own: the stock exporters are loaded only where they are wanted.
    const { openInProcess } = require('./stock-exporters.js') as typeof import('./in-process/stock-exporters.ts');
    return openInProcess(plan.handOff, redactor, say);
  }
  const { handOff, life } = openSpool(plan, plan.handOff, resource, redactor, onSegment, say);
  const scopes = createScopes(handOff, redactor);
  if (plan.logs !== null && threadId === 0) showUp(handOff, life);
  return {
    ...handOff,
    ...createOutlet(handOff, scopes, redactor),
    metering: plan.metrics === null ? null : startMetering({ ...plan.metrics, process: plan.metrics.process && threadId === 0 }, handOff, scopes, redactor),
    logging: plan.logs === null ? null : startLogging(plan.logs, handOff, scopes, redactor),
    life,
  };
}

function openSpool({ verbosity, traces, logs }: AgentPlan, plan: HandOffPlan & { kind: 'spool' }, resource: Attributes, redactor: Redactor, onSegment: () => void, say: Say): { handOff: HandOff; life: Life | null } {
  const writer = createSegmentWriter({
    dir: plan.dir,
    owner: currentOwner(threadId),
    resource: encodeResource(resource),
    capBytes: plan.capBytes,
    onSegment() {
      life?.tellAgain();
      onSegment();
    },
  });
  const life = traces === null && logs === null ? null : createLife((line) => writer.note(FrameType.life, Signal.none, 0, line), redactor, logs !== null);
  const notices = plan.noticeFile === null || verbosity === 'quiet' || threadId !== 0 ? null : claimNotices(plan.noticeFile, plan.dir);
  const handOff = createHandOff(writer, () => life?.look(), () => notices?.look());
  const outlet: HandOff = {
    ...handOff,
    end() {
      handOff.end();
      const loss = describeUntold(writer.takeUntold());
      if (loss !== null) say(`lost-${process.pid}-${threadId}`, loss);
      notices?.end();
    },
  };
  return { handOff: outlet, life };
}

/** A process that is killed before that, and has finished nothing, leaves no trace. */
const SHOW_UP_MS = 100;

/** The crash of a process that has written nothing cannot be told: nobody knows its resource. */
function showUp(handOff: HandOff, life: Life | null): void {
  later(() => {
    life?.look();
    handOff.flush();
  }, SHOW_UP_MS).unref();
}

/** The start of a span that is larger is left out: every segment would begin with it. */
const MAX_START_BYTES = 32 * 1024;

function createOutlet(handOff: HandOff, scopes: Scopes, redactor: Redactor): { sink: SpanSink; starts: StartLog } {
  const encode = createSpanEncoder(redactor);
  // One of its own: starts may have to be recorded anew in the middle of an append.
  const encodeStart = createSpanEncoder(redactor);
  const numberOf = ({ instrumentationScope }: Parameters<SpanSink>[0]): number => scopes.numberOf(instrumentationScope);
  return {
    sink(span) {
      try {
        handOff.append(Signal.traces, numberOf(span), encode(span));
      } catch (error) {
        if (isStackFull(error)) throw error; // tried again when there is room
        handOff.drop(Signal.traces, 'not encodable', 1);
      }
    },
    starts: {
      record(span) {
        if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return 0;
        try {
          const item = encodeStart(span);
          if (item.length > MAX_START_BYTES) return 0;
          handOff.appendStart(numberOf(span), item);
          return item.length;
        } catch {
          return 0; // counted when it ends
        }
      },
      forget: (span) => handOff.appendEnd(span.spanContext().spanId),
      flush: handOff.flush,
      atTurnEnd: handOff.atTurnEnd,
    },
  };
}

function watchProcess(tracing: Tracing, way: Way, active: ActiveContext): void {
  let unfinished = 'exit';
  let isOver = false;
  watchEndings({
    onUncaught(error, isRejection) {
      const span = tracing.noteException(error, active.leftByThrow());
      if (way.life?.onUncaught(error, isRejection, span) === true) way.flush();
      unfinished = 'uncaught exception';
      // In the next turn the application has survived it.
      nextTurn(() => (unfinished = 'exit')).unref();
    },
    onLoopMayEnd: way.loopMayEnd,
    onExit() {
      const isCrash = unfinished !== 'exit' && !isOver;
      isOver = true;
      const crash = isCrash ? way.life?.onCrash(Number(process.exitCode ?? 0), tracing.openSpanNames()) : undefined;
      tracing.endOpenSpans(unfinished, crash ?? null);
      way.metering?.snapshot(true);
      way.end();
    },
    onSudden(mayAbort) {
      tracing.recordOpenSpans();
      way.metering?.snapshot(false);
      if (mayAbort) way.life?.onAbort();
      way.flush();
    },
  });
  way.life?.watchSignals(way.flush);
}

/** A failure costs the automatic spans: the application's own still have their way out. */
function instrument(plan: AgentPlan, tracing: Tracing, way: Way, others: Others, say: Say): void {
  try {
    installInstrumentations(plan, { traces: tracing.ownProvider, metrics: way.metering?.provider ?? null, logs: way.logging?.provider ?? null }, others, (line) => say(causeOf(line), line));
  } catch (error) {
    say('instrumentations', `libraries are not traced: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Lines about libraries come ready made: the line itself is what must not be said twice. */
function causeOf(line: string): string {
  return line.replace(/[^\w.-]+/g, '-').slice(0, 120);
}
