let isAside = false;
const listeners = new Set<() => void>();

/**
 * Somebody else traces from now on. What is ours and on top is taken away; what others have wrapped or kept since
 * goes straight to the original: ours inside theirs would run the handler in a context of ours, without their span.
 */
export function stepAside(): void {
  isAside = true;
  for (const listener of listeners) listener();
  listeners.clear();
}

export function hasSteppedAside(): boolean {
  return isAside;
}

export function onStepAside(listener: () => void): void {
  listeners.add(listener);
}
