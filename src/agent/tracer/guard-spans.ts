/**
 * A span may be given anything: getters that throw, proxies that refuse, a symbol for a name. The API's own spans, which
 * the application meets without us, never throw, so ours must not either.
 */
import type { Link, Span as ApiSpan, SpanOptions } from '@opentelemetry/api';
import type { Span } from '@opentelemetry/sdk-trace-base';
import { isStackFull } from '../stack.ts';

const SETTERS = ['setAttribute', 'setAttributes', 'addEvent', 'addLink', 'addLinks', 'setStatus', 'updateName', 'recordException'] as const;
const guarded = new WeakSet<object>();

type Method = (this: Span, ...args: unknown[]) => unknown;

/** Guards all spans of the kind of this one. `onEndFailed` is given those whose end broke off. */
export function guardSpans(span: Span, onEndFailed: (span: Span) => void): void {
  const prototype = Object.getPrototypeOf(span) as Record<string, Method>;
  if (guarded.has(prototype)) return;
  guarded.add(prototype);
  for (const name of SETTERS) {
    const inner = prototype[name]!;
    prototype[name] = function (...args) {
      try {
        return inner.apply(this, args);
      } catch {
        return this;
      }
    };
  }
  const end = prototype.end!;
  prototype.end = function (time) {
    try {
      return end.call(this, time);
    } catch {
      // A time that cannot be read; or the stack is full.
      if (!this.ended && time !== undefined) return this.end();
      onEndFailed(this);
    }
  };
}

/** `start` with the options, or with what can be read of them. */
export function startGuarded(start: (name: string, options?: SpanOptions) => ApiSpan, name: string, options: SpanOptions | undefined): ApiSpan {
  try {
    return start(name, options);
  } catch (error) {
    if (isStackFull(error)) throw error; // the application's own call was about to fail
    return start(name, readable(options));
  }
}

function readable(options: SpanOptions | undefined): SpanOptions {
  const { kind, root, attributes, links } = attempt(() => ({ ...options })) ?? {};
  return {
    ...(typeof kind === 'number' ? { kind } : {}),
    ...(root === true ? { root } : {}),
    attributes: Object.fromEntries((attempt(() => Object.keys(attributes ?? {})) ?? []).flatMap((key) => entryOf(attributes!, key))),
    links: attempt(() => [...(links ?? [])].filter(isLink)) ?? [],
  };
}

function entryOf(attributes: NonNullable<SpanOptions['attributes']>, key: string): [string, NonNullable<(typeof attributes)[string]>][] {
  const value = attempt(() => attributes[key]);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [[key, value]] : [];
}

function isLink(link: unknown): link is Link {
  return typeof link === 'object' && link !== null && typeof (link as Partial<Link>).context?.spanId === 'string' && (link as Link).attributes === undefined;
}

function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
