// `shared` comes from both and is therefore left out.
export * from './one.mjs';
export * from './two.mjs';
export * from './one.mjs';
