import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ensurePackages } from './packages.mjs';

const root = resolve(import.meta.dirname, '../..');
const testApps = join(root, 'test/apps');

const folders = {
  ...Object.fromEntries(
    readdirSync(testApps)
      .filter((name) => existsSync(join(testApps, name, 'package-lock.json')))
      .map((name) => [name, join(testApps, name)]),
  ),
  demo: join(root, 'examples/demo'),
  orders: join(root, 'examples/shop/orders'),
  shipping: join(root, 'examples/shop/shipping'),
};

/**
 * Installs the packages of the test apps and examples where they are missing or stale:
 * the folders of test/apps by their names, and `demo`, `orders`, `shipping`. Without names, all.
 */
export async function ensureApps(names = Object.keys(folders)) {
  const unknown = names.filter((name) => !Object.hasOwn(folders, name));
  if (unknown.length > 0) {
    throw new Error(`no test app ${unknown.join(', ')}; there are: ${Object.keys(folders).join(', ')}`);
  }
  // One after the other: npm fills its own connections, and a second one only makes the first one slower.
  for (const name of names) await ensurePackages(folders[name]);
}
