import { existsSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { findOnPath, runCommand } from '../../scripts/setup/command.mjs';
import { installDebianPackages } from './programs.ts';
import { findFreePort, makeServerDir, startServer, unprivilegedIds } from './server.ts';
import type { Server } from './server.ts';

export type Postgres = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly url: string;
};

export async function prepare(): Promise<void> {
  if (!findServerPrograms()) await installDebianPackages('the PostgreSQL server', ['postgresql']);
  unprivilegedIds();
}

export async function start(): Promise<Server<Postgres>> {
  await prepare();
  const programs = findServerPrograms();
  if (!programs) throw new Error('PostgreSQL is installed but initdb and postgres were not found');
  const ids = unprivilegedIds();
  const dir = makeServerDir('postgres', ids);
  const initdb = ['-D', 'data', '-U', 'test', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  await runCommand(path.join(programs, 'initdb'), initdb, { cwd: dir, ids });
  const port = await findFreePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
  };
  return startServer(
    {
      name: 'postgres',
      command: path.join(programs, 'postgres'),
      args: ['-D', 'data', '-p', String(port), ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
      dir,
      ...(ids && { ids }),
      stopSignal: 'SIGINT',
      isReady: () => answersSslRequest(port),
    },
    { host: '127.0.0.1', port, user: 'test', database: 'postgres', url: `postgres://test@127.0.0.1:${port}/postgres` },
  );
}

function findServerPrograms(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const onPath = findOnPath('initdb');
  return [...(onPath ? [path.dirname(onPath)] : []), ...versions.map((version) => path.join(debian, version, 'bin'))].find(
    (folder) => existsSync(path.join(folder, 'initdb')) && existsSync(path.join(folder, 'postgres')),
  );
}

// Any answer to an SSLRequest means that connections are accepted.
function answersSslRequest(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.from('0000000804d2162f', 'hex')));
    socket.once('data', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.on('data', () => socket.destroy());
  });
}
