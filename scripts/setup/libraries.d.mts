export function ensureLibraries(): Promise<void>;
