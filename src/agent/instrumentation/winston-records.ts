import { types } from 'node:util';
import type { Context } from '@opentelemetry/api';
import { logs, type Logger as Sender, type LogRecord } from '@opentelemetry/api-logs';
import { wrapInPlace, type Callable } from './wrap.ts';

type Bag = Readonly<Record<PropertyKey, unknown>>;

/** What of a logger of winston 3 is told to everybody. */
interface Logger {
  readonly level?: string;
  readonly levels: Readonly<Record<string, number>>;
  readonly transports: readonly { readonly level?: string }[];
}
interface Options {
  readonly disableLogSending?: boolean;
  readonly severityMapping?: Readonly<Record<string, number>>;
  readonly logSeverity?: number;
}
interface Instrumentation {
  readonly instrumentationName: string;
  readonly instrumentationVersion: string;
  readonly _modules: readonly { readonly files: readonly { patch(exports: unknown, version?: string): unknown }[] }[];
  getConfig(): Options;
  setConfig(options: Options): void;
}

/**
 * The instrumentation adds a transport to each logger, also to the array that the application holds: a logger with no other
 * is told to be one with none no more, `clear` takes ours out, and exceptions pass it by. Here the logger itself is
 * listened to: what it gives to its transports, however many those are, it gives to `data` once.
 */
export function readRecords(target: object): void {
  const instrumentation = target as Instrumentation;
  const options = instrumentation.getConfig();
  if (options.disableLogSending === true) return;
  instrumentation.setConfig({ ...options, disableLogSending: true });

  let sender: Sender | undefined;
  const send = (logger: Logger, info: unknown): void => {
    if (typeof info !== 'object' || info === null || !isWritten(logger, info as Bag)) return;
    const record = recordOf(info as Bag, options.severityMapping);
    if (options.logSeverity !== undefined && Number(record.severityNumber ?? 0) < options.logSeverity) return;
    sender ??= logs.getLogger(instrumentation.instrumentationName, instrumentation.instrumentationVersion);
    sender.emit(record);
  };

  for (const file of instrumentation._modules.flatMap(({ files }) => files)) {
    const { patch } = file;
    file.patch = (exports, version) => {
      const patched = patch.call(file, exports, version);
      const { prototype } = patched as { readonly prototype?: Record<PropertyKey, unknown> };
      // Winston 2 has no such logger, and its records are not sent.
      if (typeof prototype?.['configure'] === 'function') wrapInPlace(prototype, 'emit', (emit) => emitting(emit, send));
      return patched;
    };
  }
}

function emitting(emit: Callable, send: (logger: Logger, info: unknown) => void): Callable {
  return function (this: unknown, ...args) {
    if (args[0] === 'data') {
      try {
        send(this as Logger, args[1]);
      } catch {
        // A getter of the application that throws: its transports will tell.
      }
    }
    return emit.apply(this, args);
  };
}

const LEVEL = Symbol.for('level');
const SPLAT = Symbol.for('splat');
/** Noted by the instrumentation: a logger behind a slow transport gives its records away later. */
const CONTEXT = Symbol.for('opentelemetry.js.contrib.winston.context');

/** By the level of the logger, or by that of one of its transports. */
function isWritten({ level: own, levels, transports }: Logger, info: Bag): boolean {
  if (isUncaught(info)) return true;
  const rank = levels[String(info[LEVEL])];
  return [own, ...transports.map(({ level }) => level)].some((level) => level !== undefined && rank !== undefined && levels[level]! >= rank);
}

/** What winston itself has caught, as it ends the process. */
function isUncaught(info: Bag): boolean {
  return info['exception'] === true || info['rejection'] === true;
}

/** Of its own levels and those of OpenTelemetry, syslog and its command line. */
const SEVERITIES: Readonly<Record<string, number>> = {
  ...{ fatal: 21, error: 17, warn: 13, info: 9, debug: 5, trace: 1 },
  ...{ http: 7, verbose: 6, silly: 1 },
  ...{ emerg: 23, alert: 22, crit: 21, warning: 13, notice: 10 },
  ...{ help: 11, data: 10, prompt: 4, input: 2 },
};
/** Those have places of their own in the record. */
const NO_ATTRIBUTES = ['level', 'message', 'trace_id', 'span_id', 'trace_flags', 'otel.event.name'];
/** What winston tells of the whole process, its command line among it, where it has caught an exception. */
const OF_PROCESS = ['exception', 'rejection', 'date', 'process', 'os', 'trace'];

function recordOf(info: Bag, mapping: Options['severityMapping']): LogRecord {
  const level = info[LEVEL] === undefined ? undefined : String(info[LEVEL]);
  const severityNumber = level === undefined ? undefined : (mapping?.[level] ?? SEVERITIES[level]);
  const { message, 'otel.event.name': eventName } = info;
  const { exception, keys } = exceptionOf(info);
  const left = new Set([...NO_ATTRIBUTES, ...(isUncaught(info) ? OF_PROCESS : []), ...keys]);
  const attributes: Record<string, unknown> = {};
  for (const name of Object.keys(info)) if (!left.has(name)) attributes[name] = plain(info[name], []);
  if (!left.has('cause') && exception?.['cause'] !== undefined) attributes['cause'] ??= plain(exception['cause'], [exception]);
  return {
    ...(severityNumber === undefined ? {} : { severityNumber }),
    ...(level === undefined ? {} : { severityText: level }),
    body: (isException(message) ? message['message'] : plain(message, [])) as LogRecord['body'],
    attributes: attributes as NonNullable<LogRecord['attributes']>,
    ...(info[CONTEXT] === undefined ? {} : { context: info[CONTEXT] as Context }),
    ...(exception === undefined ? {} : { exception }),
    ...(typeof eventName === 'string' ? { eventName } : {}),
  };
}

/** And the parts of the record that say the same. Words and figures beside a message are none, nor is all that has a name. */
function exceptionOf(info: Bag): { readonly exception?: Bag; readonly keys: readonly string[] } {
  for (const key of ['err', 'error']) if (isException(info[key])) return { exception: info[key], keys: [key, 'stack'] };
  const splat = Array.isArray(info[SPLAT]) ? (info[SPLAT] as readonly unknown[]) : [];
  const exception = [info['message'], ...splat].find(isException);
  if (exception !== undefined) return { exception, keys: ['stack'] };
  if (!isException(info)) return { keys: [] };
  // The record is an error, or `format.errors` has put the parts of one into it.
  const { stack, message, name = /^([\w$.]+)(?::|$)/m.exec(String(stack))?.[1] } = info;
  return { exception: { stack, message, name }, keys: ['stack', 'name'] };
}

function isException(value: unknown): value is Bag {
  return typeof value === 'object' && value !== null && (types.isNativeError(value) || typeof (value as { stack?: unknown }).stack === 'string');
}

/** What JSON would make of it, but for errors, of which it leaves nothing, and for objects of classes that say nothing of JSON. */
function plain(value: unknown, within: readonly unknown[]): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (within.includes(value)) return '[Circular]';
  const inside = [...within, value];
  if (Array.isArray(value)) return value.map((entry) => plain(entry, inside));
  const isError = types.isNativeError(value);
  if (!isError && typeof (value as { toJSON?: unknown }).toJSON === 'function') return plain((value as { toJSON(): unknown }).toJSON(), inside);
  const parent: unknown = Object.getPrototypeOf(value);
  if (!isError && parent !== null && parent !== Object.prototype) return value;
  const { name, message, stack, cause } = value as Error;
  const hidden = isError ? { name, message, stack, ...(cause === undefined ? {} : { cause }) } : {};
  return Object.fromEntries(Object.entries({ ...hidden, ...(value as object) }).map(([key, entry]) => [key, plain(entry, inside)]));
}
