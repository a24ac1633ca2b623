/**
 * Context comes from strangers: by headers of requests, attributes of messages. Reading it costs a bounded time, and what is
 * handed on is bounded and fit for a header: a request of the application fails where it is given one that is not.
 */
import { isSpanContextValid, propagation, trace, type Baggage, type BaggageEntry, type Context, type TextMapGetter, type TextMapPropagator, type TextMapSetter } from '@opentelemetry/api';

/** https://www.w3.org/TR/baggage/#limits: what must be handed on. What is beyond is dropped. */
const MOST_MEMBERS = 64;
const MOST_BYTES = 8192;
/** Bits of the W3C's levels 1 and 2. Others are to be zero, and `ff` comes out as three digits. */
const KNOWN_FLAGS = 0x03;

export function boundPropagator(propagator: TextMapPropagator): TextMapPropagator {
  return {
    inject: (context, carrier, setter) => propagator.inject(context, carrier, fitSetter(setter)),
    extract: (context, carrier, getter) => boundContext(propagator.extract(context, carrier, boundGetter(getter)), context),
    fields: () => propagator.fields(),
  };
}

// There is one of each for each instrumentation, and a request must not pay for a new one.
const getters = new WeakMap<TextMapGetter, TextMapGetter>();
const setters = new WeakMap<TextMapSetter, TextMapSetter>();

function boundGetter(getter: TextMapGetter): TextMapGetter {
  let bounded = getters.get(getter);
  if (bounded === undefined) {
    bounded = { get: (carrier, key) => boundValue(getter.get(carrier, key)), keys: (carrier) => boundKeys(getter.keys(carrier)) };
    getters.set(getter, bounded);
  }
  return bounded;
}

function boundValue(value: unknown): string | string[] | undefined {
  if (typeof value === 'string') return value.length <= MOST_BYTES ? value : cutList(value, MOST_BYTES);
  if (!Array.isArray(value)) return undefined;
  const kept: string[] = [];
  let room = MOST_BYTES;
  for (const part of value.slice(0, MOST_MEMBERS) as unknown[]) {
    const bounded = typeof part !== 'string' ? undefined : part.length <= room ? part : cutList(part, room);
    if (bounded === undefined) continue;
    kept.push(bounded);
    room -= bounded.length;
  }
  return kept;
}

/** Whole members of a list; what is no list is of no use in part. */
function cutList(text: string, room: number): string | undefined {
  const end = text.lastIndexOf(',', room);
  return end <= 0 ? undefined : text.slice(0, end);
}

/** Some propagators make a member of each header of such a name, in a time that grows with the square of their number. */
const MEMBER = /^(?:uberctx|ot-baggage)-/;

function boundKeys(keys: string[]): string[] {
  let room = MOST_MEMBERS;
  return keys.filter((key) => !MEMBER.test(key) || (room-- > 0 && key.length <= MOST_BYTES));
}

function boundContext(after: Context, before: Context): Context {
  let bounded = after;
  const span = trace.getSpan(after);
  if (span !== undefined && span !== trace.getSpan(before)) {
    const context = span.spanContext();
    const spanBefore = trace.getSpan(before);
    if (!isSpanContextValid(context)) bounded = spanBefore === undefined ? trace.deleteSpan(bounded) : trace.setSpan(bounded, spanBefore);
    else if ((context.traceFlags & ~KNOWN_FLAGS) !== 0) bounded = trace.setSpanContext(bounded, { ...context, traceFlags: context.traceFlags & KNOWN_FLAGS });
  }
  const baggage = propagation.getBaggage(after);
  if (baggage === undefined || baggage === propagation.getBaggage(before)) return bounded;
  return propagation.setBaggage(bounded, boundBaggage(baggage));
}

function boundBaggage(baggage: Baggage): Baggage {
  const kept: Record<string, BaggageEntry> = Object.create(null) as Record<string, BaggageEntry>;
  let [members, room] = [0, MOST_BYTES];
  for (const [key, entry] of baggage.getAllEntries()) {
    const metadata = entry.metadata?.toString() ?? '';
    const length = encodedLength(key) + encodedLength(entry.value) + metadata.length + ',=;'.length;
    if (length > room) continue;
    if (++members > MOST_MEMBERS) break;
    room -= length;
    kept[key] = metadata === '' || FIT_VALUE.test(metadata) ? entry : { value: entry.value };
  }
  return propagation.createBaggage(kept);
}

/** Of no use in a header where it cannot be encoded: half of a surrogate pair. */
function encodedLength(text: string): number {
  try {
    return encodeURIComponent(text).length;
  } catch {
    return Infinity;
  }
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-5: Node throws for others. */
const FIT_NAME = /^[!#$%&'*+.^`|~\w-]+$/;
const FIT_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

function fitSetter(setter: TextMapSetter): TextMapSetter {
  let fit = setters.get(setter);
  if (fit === undefined) {
    fit = {
      set(carrier, key, value) {
        if (FIT_NAME.test(key) && FIT_VALUE.test(value)) setter.set(carrier, key, value);
      },
    };
    setters.set(setter, fit);
  }
  return fit;
}
