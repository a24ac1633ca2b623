import { fileURLToPath } from 'node:url';
import { ensurePackages } from './packages.mjs';

const folder = fileURLToPath(new URL('../../test/libraries/', import.meta.url));

/** Installs every library that an instrumentation patches (about 30 seconds, 270 MB), where it is missing or stale. */
export async function ensureLibraries() {
  await ensurePackages(folder);
}
