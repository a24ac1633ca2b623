export { cacheDir } from './cache.mjs';
export function ensureNodes(): Promise<Record<string, string>>;
