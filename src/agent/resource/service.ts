import { basename, dirname, join, parse } from 'node:path';
import { readFoundFile } from '../../spool/plain-file.ts';

export interface ServiceIdentity {
  readonly name: string;
  readonly version: string | null;
}

/**
 * Name and version of the service that a process is, from the package that holds its main script: in a
 * monorepo each service keeps its own. A script inside `node_modules` is a tool (next, nest, pm2): then the
 * package of the working directory counts. Without a named package the script's name is taken.
 */
export function findService(mainScript: string | undefined, cwd: string): ServiceIdentity {
  const tool = mainScript === undefined || /[\\/]node_modules[\\/]/.test(mainScript);
  const found = nearestPackage(tool ? cwd : dirname(mainScript));
  if (found !== null) return found;
  return { name: mainScript === undefined ? 'unknown_service:node' : parse(basename(mainScript)).name, version: null };
}

/** The nearest package.json that names itself, from `from` upwards; one without a name only sets a module kind. */
function nearestPackage(from: string): ServiceIdentity | null {
  for (let dir = from, above = dirname(dir); ; dir = above, above = dirname(dir)) {
    const manifest = readManifest(join(dir, 'package.json'));
    if (typeof manifest?.name === 'string' && manifest.name !== '') {
      return { name: manifest.name, version: typeof manifest.version === 'string' ? manifest.version : null };
    }
    if (dir === above) return null;
  }
}

function readManifest(file: string): { name?: unknown; version?: unknown } | null {
  try {
    const value: unknown = JSON.parse(readFoundFile(file).toString('utf8'));
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
