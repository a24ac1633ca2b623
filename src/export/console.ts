import { writeItems } from '../view/text.ts';
import type { Terminal } from './stderr.ts';
import type { Exporter } from './types.ts';

/** The `console` exporter: every item as text. On stderr, for stdout is the application's. */
export function createConsoleExporter(terminal: Pick<Terminal, 'write'>): Exporter {
  return {
    name: 'console on stderr',
    async export({ signal, body, count }) {
      try {
        const taken = terminal.write(writeItems(signal, body));
        return { kind: 'delivered', rejected: taken ? 0 : count, ...(taken ? {} : { message: 'stderr is not read' }) };
      } catch (error) {
        return { kind: 'refused', reason: (error as Error).message };
      }
    },
    async close() {},
  };
}
