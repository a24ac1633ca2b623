/**
 * What the exporter needs for the record of a crash: noted while the process lives, for it may be killed at any time. Written
 * with what is written anyway; only what foretells an end is written at once.
 */
import { subscribe } from 'node:diagnostics_channel';
import { fstatSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import type { Attributes, SpanContext } from '@opentelemetry/api';
import type { LifeException, LifeNote } from '../../spool/frame.ts';
import type { Redactor } from '../redact/redact.ts';

export interface Life {
  /** Notes the memory, where the last time was a second ago. */
  look(): void;
  /** A new segment, which must hold what is known. */
  tellAgain(): void;
  /** Nobody has caught it so far; it was thrown in that span. True where it is to be written at once: the process may end in the middle of telling it. */
  onUncaught(error: unknown, isRejection: boolean, span: SpanContext | undefined): boolean;
  /** The process ends by the exception, while these spans are open. Comes back with what belongs on each of them. */
  onCrash(code: number, openSpans: readonly string[]): Attributes;
  onAbort(): void;
  /** Notes the signals that this process sends: whoever ends by one has not crashed for no reason that is known. */
  watchSignals(flush: () => void): void;
}

const EVERY_MS = 1000;
/** An application that lives on through one exception after the other tells them no more often. */
const EXCEPTIONS_EVERY_MS = 100;
const MOST_TEXT = 16 * 1024;
const MOST_NAMES = 100;
const MOST_NAME = 200;

const now = performance.now.bind(performance);
const { now: timeOfDay } = Date;

/** `note` copies what it is given. `isRecorded`: a crash becomes a log record, and not events on open spans alone. */
export function createLife(note: (line: Buffer) => void, redactor: Redactor, isRecorded: boolean): Life {
  let lookAgain = -Infinity;
  let memory: LifeNote['memory'];
  let exception: LifeException | undefined;
  let exceptionAt = 0;
  let isTold = true;
  let tellAfter = -Infinity;
  const write = (words: Omit<LifeNote, 'at'>, at = timeOfDay()): void => note(Buffer.from(`${JSON.stringify({ at, ...words })}\n`));
  const measure = (): void => {
    lookAgain = now() + EVERY_MS;
    try {
      const { rss, heapUsed } = process.memoryUsage();
      memory = { rss, heapUsed, ...(isRecorded ? { heapLimit: heapLimit() } : {}) };
      write({ memory, terminal: isAtTerminal() });
    } catch {
      // It reads a file, for which there may be no descriptor left.
    }
  };
  return {
    look() {
      if (now() >= lookAgain) measure();
    },
    tellAgain() {
      measure();
      if (exception !== undefined) write({ exception }, exceptionAt);
    },
    onUncaught(error, isRejection, span) {
      exception = { ...describe(error, redactor), isRejection, ...(span === undefined ? {} : { traceId: span.traceId, spanId: span.spanId }) };
      exceptionAt = timeOfDay();
      isTold = now() >= tellAfter;
      if (!isTold) return false;
      tellAfter = now() + EXCEPTIONS_EVERY_MS;
      write({ exception }, exceptionAt);
      return true;
    },
    onCrash(code, openSpans) {
      if (!isTold) write({ exception }, exceptionAt);
      write({ crash: { code, open: openSpans.length, openSpans: openSpans.slice(0, MOST_NAMES).map((name) => redactor.text(name).slice(0, MOST_NAME)) } });
      return {
        'process.exit.code': code,
        'otel_run.crash.cause': exception?.isRejection === true ? 'unhandled rejection' : 'uncaught exception',
        ...(exception === undefined ? {} : { 'exception.type': exception.type, 'exception.message': exception.message }),
        ...(memory === undefined ? {} : { 'process.memory.usage': memory.rss, 'v8js.memory.heap.used': memory.heapUsed, 'v8js.memory.heap.limit': memory.heapLimit }),
      };
    },
    onAbort: () => write({ aborts: true }),
    watchSignals(flush) {
      const noted = (pid: number, signal: string): void => {
        if (signal === '') return; // 0 asks whether somebody lives
        write({ sends: { pid, signal } });
        flush();
      };
      watchKill(noted);
      watchKillOfChildren(noted);
    },
  };
}

let limit = 0;
function heapLimit(): number {
  // Loaded where it is wanted.
  if (limit === 0) limit = process.getBuiltinModule('node:v8').getHeapStatistics().heap_size_limit;
  return limit;
}

let atTerminal: boolean | undefined;
function isAtTerminal(): boolean {
  return (atTerminal ??= isCharacterDevice(0));
}

function isCharacterDevice(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isCharacterDevice() && stat.rdev !== statSync('/dev/null').rdev;
  } catch {
    return false;
  }
}

/** Whatever has been thrown. */
function describe(error: unknown, redactor: Redactor): Omit<LifeException, 'isRejection'> {
  const read = (part: () => unknown): string => {
    try {
      const value = part();
      return value === undefined || value === null ? '' : redactor.text(String(value)).slice(0, MOST_TEXT);
    } catch {
      return '';
    }
  };
  if (typeof error !== 'object' || error === null) return { type: typeof error, message: read(() => error), stacktrace: '' };
  const { name, message, stack } = error as Partial<Error>;
  return { type: read(() => name ?? error.constructor?.name), message: read(() => message), stacktrace: read(() => stack) };
}

const NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

type Kill = (this: { readonly pid?: number }, ...args: [signal: number] | [pid: number, signal: number]) => number;

/** `process.kill` calls it, with a number: a function of ours in its place stands in no stack trace of the application. */
function watchKill(onSignal: (pid: number, signal: string) => void): void {
  // 0 is its own group.
  listenTo(process as unknown as { _kill?: Kill }, '_kill', (_, pid, signal) => onSignal(pid === 0 ? process.pid : pid, NAMES.get(signal!) ?? ''));
}

/** `ChildProcess` calls it of what holds the process; found when the first one is made. */
function watchKillOfChildren(onSignal: (pid: number, signal: string) => void): void {
  let isWatched = false;
  subscribe('child_process', (message) => {
    const handle = (message as { process?: { _handle?: object } }).process?._handle;
    if (isWatched || handle === undefined || handle === null) return;
    isWatched = true;
    listenTo(Object.getPrototypeOf(handle) as { kill?: Kill }, 'kill', ({ pid }, signal) => onSignal(pid ?? 0, NAMES.get(signal) ?? ''));
  });
}

function listenTo<Name extends string>(holder: { [name in Name]?: Kill }, name: Name, listener: (self: { readonly pid?: number }, first: number, second?: number) => void): void {
  const original = holder[name];
  if (typeof original !== 'function') return;
  holder[name] = function (...args) {
    try {
      listener(this, args[0], args[1]);
    } catch {
      // No room on the stack, or no memory: the signal is sent.
    }
    return original.apply(this, args);
  } as (typeof holder)[Name];
}
