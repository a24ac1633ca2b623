let isAside = false;
const listeners = new Set<() => void>();

/**
 * Somebody else traces from now on. What of ours is called goes straight to the original: inside a wrapper of theirs
 * ours would run the handler in a context of its own, without their span.
 */
export function stepAside(): void {
  isAside = true;
  for (const listener of listeners) listener();
  listeners.clear();
}

export function hasSteppedAside(): boolean {
  return isAside;
}

/** For what lives as long as the process: it is held until then. */
export function onStepAside(listener: () => void): void {
  listeners.add(listener);
}
