import { subscribe } from 'node:diagnostics_channel';
import { format } from 'node:util';
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
      const exception = words.find((word) => word instanceof Error);
      logger.emit({ severityNumber, severityText: method, body: format(...words), ...(exception === undefined ? {} : { exception }) });
    });
  }
}
