/** Log records of the application's loggers and of the OpenTelemetry API, handed over as they are made. */
import { context, isSpanContextValid, trace, type Attributes, type AttributeValue, type HrTime, type TimeInput } from '@opentelemetry/api';
import type { Logger, LoggerProvider, LogRecord } from '@opentelemetry/api-logs';
import { timeInputToHrTime } from '@opentelemetry/core';
import type { AgentPlan } from '../../plan/types.ts';
import { Signal } from '../../spool/frame.ts';
import { createLogRecordEncoder } from '../encode/log-record.ts';
import { isTime } from '../encode/sound.ts';
import type { HandOff } from '../hand-off/hand-off.ts';
import type { Scopes } from '../hand-off/scopes.ts';
import type { Redactor } from '../redact/redact.ts';
import type { Scope } from '../redact/scope.ts';
import { isStackFull } from '../stack.ts';
import { registerLogs } from './global-logs.ts';
import { watchConsole } from './console.ts';

export interface Logging {
  readonly provider: LoggerProvider;
  /** Somebody else sends log records from now on. */
  turnOff(): void;
}

type Plan = NonNullable<AgentPlan['logs']>;

/** Becomes the global provider of the logs API, until the application has one of its own. */
export function startLogging(plan: Plan, handOff: HandOff, scopes: Scopes, redactor: Redactor): Logging {
  const encode = createLogRecordEncoder(redactor);
  let isOff = false;
  const emit = (scope: Scope, record: LogRecord): void => {
    if (isOff) return;
    try {
      handOff.append(Signal.logs, scopes.numberOf(scope), encode(soundRecord(record, plan.limits)));
    } catch (error) {
      if (isStackFull(error)) return; // the application's own trouble, which its logger will tell
      handOff.drop(Signal.logs, 'not encodable', 1);
    }
  };
  const loggers = new Map<string, Logger>();
  const logging: Logging = {
    provider: {
      getLogger(name, version, options) {
        const key = JSON.stringify([name, version, options?.schemaUrl]);
        let logger = loggers.get(key);
        if (logger === undefined) {
          const scope: Scope = { name, ...(version === undefined ? {} : { version }), ...(options?.schemaUrl === undefined ? {} : { schemaUrl: options.schemaUrl }) };
          loggers.set(key, (logger = { emit: (record) => emit(scope, record), enabled: () => !isOff }));
        }
        return logger;
      },
    },
    turnOff() {
      isOff = true;
    },
  };
  registerLogs(logging.provider, logging.turnOff);
  if (plan.console) watchConsole(logging.provider.getLogger('console'));
  return logging;
}

function soundRecord(record: LogRecord, limits: Plan['limits']) {
  const observedTime = soundTime(record.observedTimestamp) ?? timeInputToHrTime(Date.now());
  const span = trace.getSpanContext(record.context ?? context.active());
  const { attributes, dropped } = limitAttributes({ ...describeException(record.exception), ...record.attributes } as Attributes, limits);
  return {
    time: soundTime(record.timestamp) ?? observedTime,
    observedTime,
    severityNumber: Number(record.severityNumber ?? 0),
    severityText: record.severityText === undefined ? '' : String(record.severityText),
    body: record.body,
    attributes,
    droppedAttributes: dropped,
    eventName: record.eventName === undefined ? '' : String(record.eventName),
    span: span !== undefined && isSpanContextValid(span) ? span : undefined,
  };
}

function soundTime(given: TimeInput | undefined): HrTime | null {
  if (given === undefined) return null;
  try {
    const time = timeInputToHrTime(given);
    return isTime(time) ? time : null;
  } catch {
    return null;
  }
}

/** https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-logs/ */
function describeException(exception: unknown): Attributes {
  if (exception === undefined || exception === null) return {};
  if (typeof exception !== 'object') return { 'exception.message': String(exception) };
  const { name, message, stack } = exception as Partial<Error>;
  return {
    ...(name === undefined ? {} : { 'exception.type': String(name) }),
    ...(message === undefined ? {} : { 'exception.message': String(message) }),
    ...(stack === undefined ? {} : { 'exception.stacktrace': String(stack) }),
  };
}

function limitAttributes(attributes: Attributes, { count, valueLength }: Plan['limits']): { attributes: Attributes; dropped: number } {
  const keys = Object.keys(attributes);
  if (keys.length <= count && valueLength === undefined) return { attributes, dropped: 0 };
  const kept: Attributes = {};
  for (const key of keys.slice(0, count)) kept[key] = shorten(attributes[key], valueLength);
  return { attributes: kept, dropped: Math.max(0, keys.length - count) };
}

function shorten(value: AttributeValue | undefined, length = Infinity): AttributeValue | undefined {
  if (typeof value === 'string') return value.slice(0, length);
  return Array.isArray(value) ? (value.map((entry) => (typeof entry === 'string' ? entry.slice(0, length) : entry)) as AttributeValue) : value;
}
