import { context, INVALID_SPAN_CONTEXT, trace, type TracerProvider } from '@opentelemetry/api';
import { redisStatement } from './redis-statement.ts';
import { wrapTracers } from './wrap-tracers.ts';

/** The arguments of commands that have a span; each command has a list of its own. */
const sent = new WeakSet<object>();
let isResend = false;

/** The instrumentation calls it with a command's list of arguments right before it starts the command's span. */
export function ioredisStatement(command: string, args: readonly unknown[] | undefined): string {
  isResend = args !== undefined && sent.has(args);
  if (Array.isArray(args)) sent.add(args);
  return redisStatement(command, args);
}

/**
 * ioredis sends a command that it got while connecting a second time by the method that is patched, and again after
 * a reconnect. One command is one span, from the first time on.
 */
export function withoutResends(provider: TracerProvider): TracerProvider {
  return wrapTracers(provider, (start, at) => {
    if (!isResend) return start();
    isResend = false;
    return trace.wrapSpanContext(trace.getSpanContext(at ?? context.active()) ?? INVALID_SPAN_CONTEXT);
  });
}
