/** Rows 22 to 34 and 37 to 40: the machine, the settings, other programs, the application itself. */
import { surroundings } from '../../bench/faults/rows/surroundings.ts';
import { testRows } from './rows.ts';

testRows(surroundings);
