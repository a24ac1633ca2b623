import { copyFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDir, ensureCached, hashOf } from './cache.mjs';
import { npmCommand, runCommand } from './command.mjs';

export { cacheDir };

const recipe = fileURLToPath(new URL('../../tools/nodes/', import.meta.url));

/**
 * The Node.js releases that the tests run on: name -> absolute path of `bin/node`.
 * Quick where they are in the cache. Elsewhere than on Linux x64 there are no
 * packages of these releases, so the running Node stands alone.
 */
export async function ensureNodes() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return runningNodeAlone();
  const names = Object.keys(JSON.parse(readFileSync(path.join(recipe, 'package.json'), 'utf8')).dependencies);
  const folder = await ensureCached(`nodes-${hashOf([path.join(recipe, 'package-lock.json')])}`, install);
  return binaries(names, folder);
}

async function install(folder) {
  console.log('nodes: installing the Node.js releases that the tests run on (about 20 seconds, 250 MB)');
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(path.join(recipe, file), path.join(folder, file));
  const [npm, ...args] = npmCommand();
  await runCommand(npm, [...args, 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
  const locked = JSON.parse(readFileSync(path.join(folder, 'package-lock.json'), 'utf8')).packages;
  for (const [name, node] of Object.entries(binaries(Object.keys(locked[''].dependencies), folder))) {
    const wanted = `v${locked[`node_modules/${name}`].version}`;
    const found = (await runCommand(node, ['--version'])).trim();
    if (found !== wanted) throw new Error(`nodes: ${name} should be ${wanted} and says ${found}`);
  }
}

function binaries(names, folder) {
  return Object.fromEntries(names.map((name) => [name, path.join(folder, 'node_modules', name, 'bin', 'node')]));
}

let isSaid = false;
function runningNodeAlone() {
  if (!isSaid) console.log(`nodes: other releases come as packages for linux-x64 only; here the tests run on ${process.version} alone`);
  isSaid = true;
  return { [`node${process.versions.node.split('.')[0]}`]: process.execPath };
}
