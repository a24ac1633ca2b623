import { copyFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { ensureCached, hashOf, holdLock } from '../../scripts/setup/cache.mjs';
import { findOnPath, runCommand } from '../../scripts/setup/command.mjs';
import { ServiceUnavailable } from './server.ts';

/**
 * The absolute path of a program. Where it is missing, its Debian package is
 * installed if this user may do so; nothing else on the machine is touched.
 */
export async function requireProgram(program: string, debianPackage: string): Promise<string> {
  const found = findOnPath(program);
  if (found) return found;
  await installDebianPackages(program, [debianPackage]);
  const installed = findOnPath(program);
  if (!installed) throw new ServiceUnavailable(`${program} is not in PATH, though Debian's ${debianPackage} is installed`);
  return installed;
}

/** Installs Debian packages, or says that `missing` cannot be had. */
export async function installDebianPackages(missing: string, packages: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0 || !findOnPath('apt-get')) {
    throw new ServiceUnavailable(`${missing} is not installed (Debian: apt-get install ${packages.join(' ')})`);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...packages];
  await holdLock('apt-get', async () => {
    console.log(`services: apt-get install ${packages.join(' ')}`);
    try {
      await runCommand('apt-get', ['update', '-qq'], { env });
      await runCommand('apt-get', install, { env });
    } catch (error) {
      throw new ServiceUnavailable(`${missing} is not installed, and apt-get failed: ${lastLine(error)}`);
    }
  });
}

/** A folder of the cache, made from the recipe's files when they have no folder yet. */
export async function ensureMade(
  name: string,
  recipe: { readonly folder: string; readonly words?: readonly string[] },
  make: (folder: string) => Promise<unknown>,
): Promise<string> {
  const files = readdirSync(recipe.folder)
    .map((file) => path.join(recipe.folder, file))
    .filter((file) => statSync(file).isFile());
  const key = hashOf(files, process.platform, process.arch, ...(recipe.words ?? []));
  try {
    return await ensureCached(`${name}-${key}`, make);
  } catch (error) {
    if (error instanceof ServiceUnavailable) throw error;
    throw new ServiceUnavailable(`${name} could not be fetched and made ready: ${lastLine(error)}`);
  }
}

/** Builds a Go program out of the tree: go may write to go.mod, and the tree stays as committed. */
export async function ensureGoProgram(name: string, folder: string, pkg: string, duration: string, flags: readonly string[] = []): Promise<string> {
  const target = await ensureMade(name, { folder, words: flags }, async (draft) => {
    if (!findOnPath('go')) throw new ServiceUnavailable(`Go is not installed, and ${name} is built from source`);
    for (const file of readdirSync(folder)) copyFileSync(path.join(folder, file), path.join(draft, file));
    const args = ['build', '-mod=mod', '-buildvcs=false', '-trimpath', '-ldflags=-s -w', ...flags, '-o', name, pkg];
    await inTurn(() => {
      console.log(`services: building ${name}, once (${duration})`);
      return runCommand('go', args, { cwd: draft, niceness: 10 });
    });
  });
  return path.join(target, name);
}

let lastBuild: Promise<unknown> = Promise.resolve();

// One Go build fills every core.
function inTurn<T>(build: () => Promise<T>): Promise<T> {
  const turn = lastBuild.then(build, build);
  lastBuild = turn.catch(() => undefined);
  return turn;
}

function lastLine(error: unknown): string {
  return (error as Error).message.trim().split('\n').at(-1) ?? '';
}
