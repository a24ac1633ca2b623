export * from './origin.mjs';
export * from './twice.mjs';
