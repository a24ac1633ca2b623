import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Directories of the npm packages whose files went into the bundles, each with its package.json. */
export function bundledPackages(metafiles, root) {
  const packages = new Map();
  for (const input of metafiles.flatMap((meta) => Object.keys(meta.inputs))) {
    if (!input.includes('node_modules/')) continue;
    const dir = packageDir(join(root, input));
    if (!packages.has(dir)) packages.set(dir, JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')));
  }
  return packages;
}

/** The nearest folder above `file` whose package.json names a package (dist folders hold ones that only say "type"). */
function packageDir(file) {
  for (let dir = dirname(file); dir !== dirname(dir); dir = dirname(dir)) {
    const manifest = join(dir, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version !== undefined) return dir;
  }
  throw new Error(`no package holds ${file}`);
}
