export function cacheDir(): string;
export function hashOf(files: readonly string[], ...words: readonly string[]): string;
export function ensureCached(name: string, make: (folder: string) => Promise<unknown>): Promise<string>;
export function holdLock<T>(name: string, work: () => Promise<T>): Promise<T>;
