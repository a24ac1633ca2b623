import { closeSync, openSync, readSync } from 'node:fs';

/** The start of a file, as far as the kernel looks for `#!`. Empty where it cannot be read. */
export function readHead(file: string): string {
  try {
    const fd = openSync(file, 'r');
    try {
      const head = Buffer.alloc(256);
      return head.toString('latin1', 0, readSync(fd, head));
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}
