import { sep } from 'node:path';

type Callable = (this: unknown, ...args: unknown[]) => unknown;

/** What Node prints for a frame of ours. */
const OWN = `${__dirname}${sep}`;

/**
 * `traced` with the stack of what it throws as plain Node has it: from the function that threw on to the application, which
 * frames of ours in between would push off its end (ten lines are all there is). For functions that fail in the application's
 * face, for want of a sound URL or header.
 */
export function withCallersStack(traced: Callable): Callable {
  return function (this: unknown, ...args) {
    try {
      return traced.apply(this, args);
    } catch (error) {
      mend(error);
      throw error;
    }
  };
}

function mend(error: unknown): void {
  const limit = Error.stackTraceLimit;
  if (!(error instanceof Error) || typeof limit !== 'number') return;
  try {
    const lines = String(error.stack).split('\n');
    const first = lines.findIndex(isOwn);
    if (first < 0) return;
    const head = lines.findIndex((line) => FRAME.test(line));
    Error.stackTraceLimit = limit + MOST_OWN;
    const callers = String(new Error('here').stack).split('\n').filter((line) => FRAME.test(line));
    const outermost = callers.findLastIndex(isOwn);
    const frames = [...lines.slice(head, first), ...callers.slice(outermost + 1)].slice(0, limit);
    error.stack = [...lines.slice(0, head), ...frames].join('\n');
  } catch {
    // A frozen error, or stacks of the application's own making: they stay as they are.
  } finally {
    Error.stackTraceLimit = limit;
  }
}

const FRAME = /^ {4}at /;
/** In {@link mend}, its callers and what calls them. */
const MOST_OWN = 8;

function isOwn(line: string): boolean {
  return FRAME.test(line) && line.includes(OWN);
}
