import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

const INSTALL_LIMIT_MS = 5 * 60_000;

/**
 * Runs `npm ci` in a folder that has a lock file, unless what the lock names is there already.
 * Resolves to true if it installed.
 */
export async function ensurePackages(folder, { scripts = false } = {}) {
  if (await isInstalled(folder)) return false;
  await runNpm(['ci', ...(scripts ? [] : ['--ignore-scripts']), '--no-audit', '--no-fund'], folder);
  return true;
}

/** Whether node_modules holds what package-lock.json names, in the same versions. */
export async function isInstalled(folder) {
  const wanted = await readLock(join(folder, 'package-lock.json'));
  if (!wanted) throw new Error(`${folder} has no package-lock.json`);
  // npm's own note of what it installed. It is written last, so an install that was cut off has none.
  const found = await readLock(join(folder, 'node_modules', '.package-lock.json'));
  if (!found) return false;

  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || entry.link) continue;
    const mayBeMissing = entry.optional || entry.devOptional;
    if (found[path] ? found[path].version !== entry.version : !mayBeMissing) return false;
  }
  return Object.keys(found).every((path) => wanted[path]);
}

async function readLock(file) {
  try {
    return JSON.parse(await readFile(file, 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw new Error(`${file}: ${error.message}`);
  }
}

function runNpm(args, cwd) {
  const [command, ...first] = npmCommand();
  const what = `npm ${args.join(' ')} in ${cwd}`;
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...first, ...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: command === 'npm' && process.platform === 'win32',
      timeout: INSTALL_LIMIT_MS,
    });
    let said = '';
    child.stdout.on('data', (chunk) => (said += chunk));
    child.stderr.on('data', (chunk) => (said += chunk));
    child.once('error', (error) => reject(new Error(`npm could not be started: ${error.message}`)));
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${what} ended with ${signal ? `${signal} (it is given ${INSTALL_LIMIT_MS / 60_000} minutes)` : `code ${code}`}\n${said}`.trimEnd()));
    });
  });
}

// Under `npm run` the very npm that runs us, with the very Node: what `npm` means on PATH may be another one.
function npmCommand() {
  const { npm_execpath: path } = process.env;
  return path && basename(path) === 'npm-cli.js' ? [process.execPath, path] : ['npm'];
}
