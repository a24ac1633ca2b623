import { backends } from './rows/backends.ts';
import { endings } from './rows/endings.ts';
import { surroundings } from './rows/surroundings.ts';
import type { Row } from './types.ts';

/** The fault matrix, in its order. 35 and 36 are the viewer's. */
export const rows: readonly Row[] = [...endings, ...backends, ...surroundings];
