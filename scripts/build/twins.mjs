import { relative } from 'node:path';
import { bundledPackages } from './bundled.mjs';

/** Fails when a bundle holds two copies of one OpenTelemetry package: they do not know of each other's state. */
export function assertNoTwins(metafiles, root) {
  for (const metafile of metafiles) {
    const seen = new Map();
    for (const [dir, { name, version }] of bundledPackages([metafile], root)) {
      if (!name.startsWith('@opentelemetry/') && !/^(import|require)-in-the-middle$/.test(name)) continue;
      const place = `${version} (${relative(root, dir)})`;
      if (seen.has(name)) throw new Error(`Two copies of ${name} in one bundle: ${seen.get(name)} and ${place}. Pin one in package.json "overrides".`);
      seen.set(name, place);
    }
  }
}
