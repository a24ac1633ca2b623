import { connect } from 'node:net';
import { requireProgram } from './programs.ts';
import { findFreePort, makeServerDir, startServer } from './server.ts';
import type { Server } from './server.ts';

export type Redis = { readonly host: string; readonly port: number; readonly url: string };

export async function prepare(): Promise<void> {
  await requireProgram('redis-server', 'redis-server');
}

export async function start(): Promise<Server<Redis>> {
  const command = await requireProgram('redis-server', 'redis-server');
  const dir = makeServerDir('redis');
  const port = await findFreePort();
  const settings = ['--bind', '127.0.0.1', '--unixsocket', '', '--save', '', '--appendonly', 'no', '--daemonize', 'no'];
  return startServer(
    {
      name: 'redis',
      command,
      args: ['--port', String(port), ...settings, '--dir', dir],
      dir,
      stopSignal: 'SIGTERM',
      isReady: async () => (await sendRedisCommand(port, 'PING')) === '+PONG',
    },
    { host: '127.0.0.1', port, url: `redis://127.0.0.1:${port}` },
  );
}

/** One inline command on a connection of its own; resolves with the first line of the answer. */
export function sendRedisCommand(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`));
    socket.setTimeout(2000, () => socket.destroy(new Error(`no answer to ${command} within 2 s`)));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
      if (!answer.includes('\r\n')) return;
      resolve(answer.slice(0, answer.indexOf('\r\n')));
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`the connection closed before an answer to ${command}`)));
  });
}
