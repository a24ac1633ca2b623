/** What is made of a process that has crashed: a log record of its own resource, and an event on each span that it left open. */
import { writeAttributes } from '../spool/attributes.ts';
import type { LifeException, LifeNote } from '../spool/frame.ts';
import { createWire } from '../spool/wire.ts';
import { POLITE, type Ending } from './endings.ts';
import type { OpenSpan } from './unfinished.ts';

/** What the notes of a process say of it. */
export interface Life {
  memory: LifeNote['memory'] | null;
  isAtTerminal: boolean;
  exception: (LifeException & { readonly at: number }) | null;
  /** It has ended by the exception. */
  crash: LifeNote['crash'] | null;
  /** The signal that it was about to raise when it was last heard of. */
  lastWord: string | null;
}

export interface Crash {
  readonly pid: number;
  readonly cause: 'uncaught exception' | 'unhandled rejection' | 'signal' | 'killed';
  readonly code: number | null;
  readonly signal: string | null;
  readonly exception: LifeException | null;
  readonly memory: LifeNote['memory'] | null;
  readonly open: number;
  readonly openSpans: readonly string[];
  /** In which it happened, where that is known. */
  readonly span: { readonly traceId: string; readonly spanId: string } | null;
}

/** An exception that a process has survived for longer has not ended it. */
const RECENT_MS = 10_000;
const MOST_NAMES = 100;
const MOST_NAME = 200;

export function noLife(): Life {
  return { memory: null, isAtTerminal: false, exception: null, crash: null, lastWord: null };
}

/** Takes a frame of notes. Throws where it is unsound. */
export function readLife(life: Life, payload: Buffer, onSend: (pid: number, signal: string, at: number) => void, self: number): void {
  for (const line of payload.toString('utf8').split('\n')) {
    if (line === '') continue;
    const note = JSON.parse(line) as Partial<LifeNote>;
    const at = Number(note.at);
    if (note.memory !== undefined) life.memory = soundMemory(note.memory);
    if (note.terminal !== undefined) life.isAtTerminal = note.terminal === true;
    if (note.exception !== undefined) life.exception = { ...soundException(note.exception), at };
    if (note.crash !== undefined) life.crash = soundCrash(note.crash);
    if (note.aborts === true) life.lastWord = 'SIGABRT';
    if (note.sends !== undefined) {
      const { pid, signal } = note.sends;
      if (!Number.isSafeInteger(pid) || !/^SIG[A-Z0-9]+$/.test(signal)) continue;
      if (pid === self) life.lastWord = signal;
      else onSend(pid, signal, at);
    }
  }
}

/** Null where it was none. `endedAt`: when it was last heard of, in milliseconds; `isOver`: it has said that nothing follows. */
export function judgeEnding(life: Life, { pid, isOver, endedAt, ending, wasTold, spans }: { readonly pid: number; readonly isOver: boolean; readonly endedAt: number; readonly ending: Ending | null; readonly wasTold: boolean; readonly spans: readonly OpenSpan[] }): Crash | null {
  const { exception, memory } = life;
  const recent = exception !== null && endedAt - exception.at < RECENT_MS ? exception : null;
  const thrown = exception?.isRejection === true ? 'unhandled rejection' : 'uncaught exception';
  const common = { pid, memory, signal: null, exception: recent };
  if (isOver) {
    if (life.crash === null || life.crash === undefined) return null;
    return { ...common, cause: thrown, code: life.crash.code, exception, open: life.crash.open, openSpans: life.crash.openSpans, span: spanOf(exception) };
  }
  const left = { open: spans.length, openSpans: spans.slice(0, MOST_NAMES).map(({ name }) => name), span: spanOf(recent) ?? onlyTrace(spans) };
  const signal = ending === null ? life.lastWord : ending.signal;
  if (signal !== null) return POLITE.has(signal) ? null : { ...common, ...left, cause: 'signal', code: null, signal };
  // A process whose own telling of an exception fails ends with a code, and without a word.
  if (ending !== null) return recent === null || ending.code === 0 ? null : { ...common, ...left, cause: thrown, code: ending.code };
  return wasTold || life.isAtTerminal ? null : { ...common, ...left, cause: 'killed', code: null };
}

/** Field 2 of ScopeLogs. */
export function encodeCrashRecord(crash: Crash, at: bigint, observedAt: bigint): Buffer {
  const wire = createWire();
  const item = wire.open(0x12);
  wire.nanosField(0x09, at);
  wire.varintField(0x10, 21);
  wire.stringField(0x1a, 'FATAL');
  const body = wire.open(0x2a);
  wire.stringField(0x0a, describeCrash(crash));
  wire.close(body);
  const { exception, openSpans, span } = crash;
  writeAttributes(wire, 0x32, {
    ...attributesOf(crash),
    'process.pid': crash.pid,
    ...(exception === null || exception.stacktrace === '' ? {} : { 'exception.stacktrace': exception.stacktrace }),
    'otel_run.crash.open_span.count': crash.open,
    ...(openSpans.length === 0 ? {} : { 'otel_run.crash.open_spans': openSpans }),
  });
  if (span !== null) {
    wire.hexField(0x4a, span.traceId);
    wire.hexField(0x52, span.spanId);
  }
  wire.nanosField(0x59, observedAt);
  wire.stringField(0x62, CRASH);
  wire.close(item);
  return Buffer.from(wire.bytes());
}

/** Field 11 of Span. */
export function encodeCrashEvent(crash: Crash, at: bigint): Buffer {
  const wire = createWire();
  const event = wire.open(0x5a);
  wire.nanosField(0x09, at);
  wire.stringField(0x12, CRASH);
  writeAttributes(wire, 0x1a, attributesOf(crash));
  wire.close(event);
  return Buffer.from(wire.bytes());
}

/** https://opentelemetry.io/docs/specs/semconv/app/app-events/ */
const CRASH = 'app.crash';

type Values = Readonly<Record<string, string | number | readonly string[]>>;

/** As the agent writes them where it sees the end itself. */
function attributesOf({ cause, code, signal, exception, memory }: Crash): Values {
  return {
    'otel_run.crash.cause': cause,
    ...(code === null ? {} : { 'process.exit.code': code }),
    ...(signal === null ? {} : { 'otel_run.crash.signal': signal }),
    ...(exception === null ? {} : { 'exception.type': exception.type, 'exception.message': exception.message }),
    ...(memory === null || memory === undefined ? {} : { 'process.memory.usage': memory.rss, 'v8js.memory.heap.used': memory.heapUsed, ...(memory.heapLimit === undefined ? {} : { 'v8js.memory.heap.limit': memory.heapLimit }) }),
  };
}

function describeCrash({ pid, cause, code, signal, exception, memory, openSpans, open }: Crash): string {
  const words = exception === null ? '' : `: ${[exception.type, exception.message].filter((word) => word !== '').join(': ')}`;
  const end = signal !== null ? `ended by ${signal}` : cause === 'killed' ? 'ended without a word: killed (out of memory, perhaps), crashed, or by a signal that nobody handled' : `ended by an ${cause}${words}${code === null ? '' : ` (exit code ${code})`}`;
  const heap = memory?.heapLimit !== undefined && memory.heapUsed > 0.8 * memory.heapLimit ? [`its heap held ${mebibytes(memory.heapUsed)} of ${mebibytes(memory.heapLimit)} MiB`] : [];
  const spans = open === 0 ? [] : [`open: ${openSpans.slice(0, 5).join(', ')}${open > 5 ? ` and ${open - 5} more` : ''}`];
  return [`process ${pid} ${end}`, ...heap, ...spans].join('; ');
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}

function spanOf(exception: LifeException | null): Crash['span'] {
  const { traceId, spanId } = exception ?? {};
  return traceId === undefined || spanId === undefined ? null : { traceId, spanId };
}

/** Of several things at once nobody knows which it was. */
function onlyTrace(spans: readonly OpenSpan[]): Crash['span'] {
  const last = spans.at(-1);
  return last !== undefined && spans.every(({ traceId }) => traceId === last.traceId) ? { traceId: last.traceId, spanId: last.spanId } : null;
}

/** Whoever may write a segment says what it likes. */
function soundMemory({ rss, heapUsed, heapLimit }: NonNullable<LifeNote['memory']>): LifeNote['memory'] {
  return { rss: count(rss), heapUsed: count(heapUsed), ...(heapLimit === undefined ? {} : { heapLimit: count(heapLimit) }) };
}

function soundException({ type, message, stacktrace, isRejection, traceId, spanId }: LifeException): LifeException {
  const isSpan = /^[0-9a-f]{32}$/.test(String(traceId)) && /^[0-9a-f]{16}$/.test(String(spanId));
  return { type: text(type), message: text(message), stacktrace: text(stacktrace), isRejection: isRejection === true, ...(isSpan ? { traceId: traceId!, spanId: spanId! } : {}) };
}

function soundCrash({ code, open, openSpans }: NonNullable<LifeNote['crash']>): NonNullable<LifeNote['crash']> {
  return { code: count(code), open: count(open), openSpans: Array.isArray(openSpans) ? openSpans.slice(0, MOST_NAMES).map((name) => text(name).slice(0, MOST_NAME)) : [] };
}

function count(value: unknown): number {
  return Number.isSafeInteger(value) ? (value as number) : 0;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 16 * 1024) : '';
}
