export function ensureApps(names?: readonly string[]): Promise<void>;
