export { later } from './uninitialized-later.mjs';
import { read } from './uninitialized-later.mjs';
export const early = read();
