import { hasSteppedAside } from './step-aside.ts';

export type Callable = (...args: unknown[]) => unknown;
type Holder = Record<PropertyKey, unknown>;

/**
 * Takes the place of the wrapping of @opentelemetry/instrumentation, which writes to the application's console
 * where a function is not there, and forgets the function's name, its number of parameters and the property's
 * attributes. The marks that `isWrapped` and `_unwrap` of that package look for are the same.
 */
export function wrapInPlace(holder: Holder | undefined, name: PropertyKey, wrapper: (original: Callable, name: PropertyKey) => Callable): Callable | undefined {
  const original = holder?.[name];
  if (holder === undefined || typeof original !== 'function') return undefined;
  const traced = wrapper(original as Callable, name);
  if (traced === original) return traced;
  const wrapped = switched(traced, original as Callable);
  keepSignature(original as Callable, wrapped);

  const own = Object.getOwnPropertyDescriptor(holder, name);
  const { enumerable = false, configurable = true, writable = true } = own ?? {};
  const put = (value: unknown) => Object.defineProperty(holder, name, { value, enumerable, configurable, writable });
  hide(wrapped, '__original', original);
  hide(wrapped, '__unwrap', () => {
    if (holder[name] === wrapped) put(original);
  });
  hide(wrapped, '__wrapped', true);
  put(wrapped);
  return wrapped;
}

/**
 * Calls `traced` until we have stepped aside; to the eye it is that function. It stays where it is then: others may
 * have wrapped it, and a list of what to take off would hold every connection that was ever wrapped.
 */
function switched(traced: Callable, original: Callable): Callable {
  function wrapped(this: unknown, ...args: unknown[]): unknown {
    const target = hasSteppedAside() ? original : traced;
    if (new.target === undefined) return target.apply(this, args);
    return Reflect.construct(target, args, new.target === wrapped ? target : new.target);
  }
  for (const key of Reflect.ownKeys(traced)) {
    if (key !== 'arguments' && key !== 'caller') Object.defineProperty(wrapped, key, Object.getOwnPropertyDescriptor(traced, key) ?? {});
  }
  Object.setPrototypeOf(wrapped, Object.getPrototypeOf(traced) as object);
  return wrapped;
}

/** What takes a function's place has its name and number of parameters. */
export function keepSignature(original: Callable, successor: Callable): void {
  for (const key of ['name', 'length'] as const) hide(successor, key, original[key], false);
}

function hide(target: object, key: string, value: unknown, writable = true): void {
  Reflect.defineProperty(target, key, { value, writable, enumerable: false, configurable: true });
}
