import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../../scripts/setup/command.mjs';
import { ensureMade, installDebianPackages, requireProgram } from './programs.ts';
import { findFreePort, makeServerDir, startServer } from './server.ts';
import type { Server } from './server.ts';

/** S3, SQS, SNS and DynamoDB. Of the emulators only moto answers message attributes as AWS does. */
export type Moto = {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
};

const recipe = fileURLToPath(new URL('./moto/', import.meta.url));

export async function prepare(): Promise<void> {
  await ensureVenv();
}

export async function start(): Promise<Server<Moto>> {
  const venv = await ensureVenv();
  const dir = makeServerDir('moto');
  const port = await findFreePort();
  const endpoint = `http://127.0.0.1:${port}`;
  return startServer(
    {
      name: 'moto',
      command: path.join(venv, 'bin/python'),
      args: ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)],
      dir,
      stopSignal: 'SIGTERM',
      isReady: async () => (await fetch(`${endpoint}/moto-api/`)).ok,
    },
    { endpoint, region: 'us-east-1', accessKeyId: 'test', secretAccessKey: 'test' },
  );
}

async function ensureVenv(): Promise<string> {
  const python = await requireProgram('python3', 'python3-venv');
  // Debian's python3 comes without what a virtual environment needs.
  await runCommand(python, ['-c', 'import ensurepip']).catch(() => installDebianPackages("Python's venv", ['python3-venv']));
  const version = await runCommand(python, ['-c', 'import sys; print(sys.executable, sys.version)']);
  return ensureMade('moto', { folder: recipe, words: [version] }, async (venv) => {
    console.log('services: installing moto, once (about 12 seconds)');
    await runCommand(python, ['-m', 'venv', venv]);
    await runCommand(path.join(venv, 'bin/python'), ['-m', 'pip', 'install', '-q', '-r', path.join(recipe, 'requirements.txt')]);
  });
}
