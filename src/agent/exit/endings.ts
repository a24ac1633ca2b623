/**
 * Every way in which JavaScript sees its process end: with no signal handler, no listener that an application
 * could count or remove while it runs, and no frame of ours in its stack traces.
 *
 * Node reads `process.emit` for each `beforeExit` and `exit`, `process.exit` reads `process.reallyExit`, and so
 * on. An accessor sees that and hands out the function itself; a wrapper would stand in every stack trace.
 */
export interface Endings {
  /** An exception that nobody caught so far; the application may survive it. */
  onUncaught(error: unknown, isRejection: boolean): void;
  /** The event loop may have run empty. */
  onLoopMayEnd(): void;
  /** After every `exit` listener of the application. */
  onExit(): void;
  /** Before the process may be ended or replaced with no `exit` event; by `process.abort` perhaps. */
  onSudden(mayAbort: boolean): void;
}

export function watchEndings(endings: Endings): void {
  let lastListenerAdded = false;
  onRead('emit', () => {
    if (!isExiting()) {
      if (isReadByNode()) endings.onLoopMayEnd();
    } else if (!lastListenerAdded) {
      lastListenerAdded = true;
      addLastListener(endings.onExit);
    }
  });
  onRead('reallyExit', () => (isExiting() ? endings.onExit() : endings.onSudden(false)));
  onRead('abort', () => endings.onSudden(true));
  onRead('execve', () => endings.onSudden(false));
  // A process that signals itself (the usual last line of a graceful shutdown) may be gone when the call returns.
  onRead('kill', () => endings.onSudden(false));
  process.on('uncaughtExceptionMonitor', (error, origin) => guarded(() => endings.onUncaught(error, origin === 'unhandledRejection')));
}

function onRead(name: 'emit' | 'reallyExit' | 'abort' | 'execve' | 'kill', step: () => void): void {
  const known = Object.getOwnPropertyDescriptor(process, name);
  const prototype = Object.getPrototypeOf(process) as object;
  // `emit` is inherited, and may be replaced there later (`domain` does).
  let current: unknown = known?.value;
  if (typeof (current ?? Reflect.get(prototype, name)) !== 'function') return;
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: known?.enumerable ?? false,
    get() {
      guarded(step);
      return current ?? (Reflect.get(prototype, name) as unknown);
    },
    set(replacement) {
      current = replacement;
    },
  });
}

/** Added when `exit` is about to be emitted, so behind every listener of the application. */
function addLastListener(listener: () => void): void {
  const limit = process.getMaxListeners();
  if (limit !== 0) process.setMaxListeners(limit + 1);
  process.on('exit', () => guarded(listener));
  if (limit !== 0) process.setMaxListeners(limit);
}

/** `beforeExit` is emitted by Node's C++ part: then no JavaScript stands above the accessor. */
function isReadByNode(): boolean {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const holder: { stack?: unknown } = {};
  try {
    Error.stackTraceLimit = 4;
    Error.prepareStackTrace = (_, frames) => frames.length;
    Error.captureStackTrace(holder, isReadByNode);
    return Number(holder.stack) <= OWN_FRAMES;
  } catch {
    return true; // frozen intrinsics: better an item late than a `beforeExit` without end
  } finally {
    restore(prepareStackTrace, stackTraceLimit);
  }
}

function restore(prepareStackTrace: typeof Error.prepareStackTrace, stackTraceLimit: number): void {
  guarded(() => {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  });
}

/** The step given to {@link onRead}, {@link guarded}, and the accessor. */
const OWN_FRAMES = 3;

function guarded(step: () => void): void {
  try {
    step();
  } catch {
    // The application's end is not ours to disturb.
  }
}

/** Set by Node before the first `exit` listener runs. */
export function isExiting(): boolean {
  return (process as { _exiting?: boolean })._exiting === true;
}
