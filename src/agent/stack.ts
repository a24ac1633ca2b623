/** An application may recurse until its stack is full, and end its spans on the way up. */

export function isStackFull(error: unknown): boolean {
  return error instanceof RangeError && error.message.startsWith('Maximum call stack');
}

/** Whether there is room for a write with all that it calls: in the middle of one it is too late to find out. */
export function hasStack(): boolean {
  try {
    takeNothing.apply(null, EIGHT_KILOBYTES);
    return true;
  } catch {
    return false;
  }
}

function takeNothing(): void {}
const EIGHT_KILOBYTES = new Array(1000).fill(0) as [];
