export { counter, once, counter as again, once as default } from './origin.mjs';
export * as all from './origin.mjs';
export { Box, Box as Crate } from './origin.mjs';
