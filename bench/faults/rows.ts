import { backends } from './rows/backends.ts';
import { endings } from './rows/endings.ts';
import type { Row } from './types.ts';

/** The fault matrix, in its order. */
export const rows: readonly Row[] = [...endings, ...backends];
