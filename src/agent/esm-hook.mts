// Runs in the thread of Node's asynchronous import hooks, where Node has no synchronous ones that are fit.
import { createHook } from 'import-in-the-middle/create-hook.mjs';

export const { initialize, resolve, load } = createHook(import.meta);
