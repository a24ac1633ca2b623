import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** The absolute path of a command on PATH, or undefined. */
export function findOnPath(command) {
  return (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter(Boolean)
    .map((folder) => path.join(folder, command))
    .find(isExecutable);
}

/** Runs a command to its end and resolves with its output; rejects with the last lines of it. */
export function runCommand(command, args, { cwd, env, ids, niceness = 0 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      ...ids,
      cwd,
      env: env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (child.pid !== undefined && niceness > os.getPriority()) os.setPriority(child.pid, niceness);
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => reject(new Error(`${command}: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(describeFailure([command, ...args], code ?? signal, output)));
    });
  });
}

/** npm as an argv prefix: the npm that runs us where there is one, else the one on PATH. */
export function npmCommand() {
  const npm = process.env.npm_execpath;
  return npm?.endsWith('.js') ? [process.execPath, npm] : ['npm'];
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function describeFailure(argv, ending, output) {
  const lastLines = output.trim().split('\n').slice(-12).join('\n');
  return `"${argv.join(' ')}" ended with ${ending}\n${lastLines}`;
}
