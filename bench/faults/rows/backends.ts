/** Rows 13 to 21: every way a backend can fail. */
import type { Row } from '../types.ts';

export const backends: readonly Row[] = [
  { number: '13', fault: 'the backend refuses connections', program: ['natural'], backend: { kind: 'refused' }, lines: 1 },
  { number: '14', fault: 'it accepts and never answers', program: ['natural'], backend: { kind: 'hang' }, lines: 1, delayMs: 2000 },
];
