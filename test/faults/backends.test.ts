/** Rows 15 to 21: every way a backend can fail. Rows 13 and 14 are played in test/matrix, on every Node line. */
import { backends } from '../../bench/faults/rows/backends.ts';
import { testRows } from './rows.ts';

testRows(backends.filter(({ number }) => Number.parseInt(number, 10) >= 15));
