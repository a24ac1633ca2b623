export { OpenAI as default, OpenAI } from './client.mjs';
export const where = import.meta.url;
export const stack = new Error('here').stack;
