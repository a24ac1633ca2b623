import type { LoggerProvider } from '@opentelemetry/api-logs';

/** Where every copy of `@opentelemetry/api-logs` looks. */
const KEY = Symbol.for('io.opentelemetry.js.api.logs');
/** The one compatibility version that there is. */
const VERSION = 1;

/**
 * Ours is the global provider until the application sets its own. `setGlobalLoggerProvider` looks whether there is one, and
 * leaves it silently: to it, and to it alone, there is none. (It is called once, and readers once a logger.)
 */
export function registerLogs(provider: LoggerProvider, onTaken: () => void): void {
  const getter = (version: number): LoggerProvider | undefined => (version === VERSION ? provider : undefined);
  Object.defineProperty(globalThis, KEY, {
    configurable: true,
    enumerable: true,
    get: () => (isAskedBySetter() ? undefined : getter),
    set(value: unknown) {
      Object.defineProperty(globalThis, KEY, { configurable: true, enumerable: true, writable: true, value });
      onTaken();
    },
  });
}

function isAskedBySetter(): boolean {
  const { stackTraceLimit, prepareStackTrace } = Error;
  const holder: { stack?: unknown } = {};
  try {
    Error.stackTraceLimit = 2;
    Error.prepareStackTrace = (_, frames) => frames.map((frame) => frame.getMethodName() ?? frame.getFunctionName());
    Error.captureStackTrace(holder, isAskedBySetter);
    return (holder.stack as readonly unknown[]).includes('setGlobalLoggerProvider');
  } catch {
    return false;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace;
  }
}
