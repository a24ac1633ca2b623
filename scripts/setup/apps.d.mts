/** Installs the packages of the test apps and examples where they are missing or stale; without names, all. */
export function ensureApps(names?: readonly string[]): Promise<void>;
