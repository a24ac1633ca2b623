import { subscribe } from 'node:diagnostics_channel';
import { format, types } from 'node:util';
import { SeverityNumber, type Logger } from '@opentelemetry/api-logs';

const LEVELS = {
  debug: SeverityNumber.DEBUG,
  log: SeverityNumber.INFO,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
} as const;

/** Node says on diagnostics channels what is written to the console (22.15 and later): no method is replaced. */
export function watchConsole(logger: Logger): void {
  for (const [method, severityNumber] of Object.entries(LEVELS)) {
    subscribe(`console.${method}`, (args) => {
      const words = args as readonly unknown[];
      const body = textOf(words);
      if (body === null) return;
      const exception = words.find(isError);
      logger.emit({ severityNumber, severityText: method, body, ...(exception === undefined ? {} : { exception }) });
    });
  }
}

/**
 * Null where words cannot be shown: the console throws then too, to its caller, who may live with it. What is thrown
 * by a subscriber ends the process.
 */
function textOf(words: readonly unknown[]): string | null {
  try {
    return format(...words);
  } catch {
    return null;
  }
}

/** Asks no proxy for its prototype: that calls the application, or throws where it is revoked. */
function isError(word: unknown): boolean {
  return types.isNativeError(word) || (!types.isProxy(word) && word instanceof Error);
}
