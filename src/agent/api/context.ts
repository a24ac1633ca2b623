import type { AsyncLocalStorage } from 'node:async_hooks';
import { ROOT_CONTEXT, type Context, type ContextManager } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';

export interface ActiveContext {
  readonly manager: ContextManager;
  /** The contexts that an exception has just left, innermost first, while that exception is still on its way up. */
  leftByThrow(): readonly Context[];
}

const MAX_LEFT = 100;

/**
 * The active context follows asynchronous calls, and is `initial` where nobody has set one; when nobody catches, it is known where the
 * exception was thrown.
 */
export function createActiveContext(initial: Context): ActiveContext {
  const manager: ContextManager = new AsyncLocalStorageContextManager();
  const inner = manager.with.bind(manager);
  if (initial !== ROOT_CONTEXT) startWith(initial, manager);
  let left: Context[] = [];
  const forget = (): void => void (left = []);

  manager.with = (context, fn, thisArg, ...args) => {
    let hasReturned = false;
    if (left.length > 0) forget(); // somebody has caught it
    try {
      const result = inner(context, fn, thisArg, ...args);
      hasReturned = true;
      return result;
    } finally {
      // Not `catch`: throwing again would move the place that Node reports.
      if (!hasReturned && left.length < MAX_LEFT) {
        // By then somebody has caught it, or `uncaughtExceptionMonitor` has asked.
        if (left.length === 0) queueMicrotask(forget);
        left.push(context);
      }
    }
  };
  return { manager, leftByThrow: () => left };
}

/** Who asks for ROOT_CONTEXT (a server that begins a trace of its own) gets it: only where nothing was set, `initial` is active. */
function startWith(initial: Context, manager: ContextManager): void {
  const { _asyncLocalStorage: storage } = manager as unknown as { readonly _asyncLocalStorage: AsyncLocalStorage<Context> };
  manager.active = () => storage.getStore() ?? initial;
}
