/** Where a running exporter says how it stands: a socket in its spool, for its own user alone. */
import { chmodSync, closeSync, constants, lstatSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { ExporterStatus } from './status.ts';

/** A directory of its own: in that of root's runs anybody may look for names, and a socket is anybody's until its mode is set. */
const DIRECTORY = 'status';
const NAME = 'socket';
/** Addresses of sockets hold 108 bytes. */
const LONGEST_PATH = 100;
const MOST_BYTES = 4 * 1024 * 1024;

/** Whoever connects is told, as JSON. Never throws: without it the exporter does its work all the same. */
export function serveStatus(spool: string, look: () => ExporterStatus): { close(): void } {
  let server: Server | null = null;
  const place = join(spool, DIRECTORY);
  try {
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place, { mode: 0o700 });
    const { path, done } = reach(place);
    server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(JSON.stringify(look()));
    });
    // Node removes the socket by the path that it was given.
    server.on('close', done);
    server.on('error', done);
    server.listen(path, () => {
      try {
        chmodSync(path, 0o600);
      } catch {
        // The spool is gone.
      }
    });
    server.unref();
  } catch {
    // A spool that cannot be written any more, or is gone.
  }
  return { close: () => void server?.close() };
}

/** What the exporter of this spool says; null where there is none that answers in time. */
export function askStatus(spool: string, timeoutMs: number): Promise<ExporterStatus | null> {
  const place = join(spool, DIRECTORY);
  return new Promise((resolve) => {
    let way: { path: string; done(): void };
    try {
      if (!lstatSync(join(place, NAME)).isSocket()) return resolve(null);
      way = reach(place);
    } catch {
      return resolve(null);
    }
    let text = '';
    const answer = (status: ExporterStatus | null): void => {
      clearTimeout(timer);
      way.done();
      socket.destroy();
      resolve(status);
    };
    const socket = createConnection(way.path);
    const timer = setTimeout(answer, timeoutMs, null);
    socket.setEncoding('utf8').on('error', () => answer(null));
    socket.on('data', (more: string) => (text.length > MOST_BYTES ? answer(null) : (text += more)));
    socket.on('end', () => answer(parse(text)));
  });
}

function parse(text: string): ExporterStatus | null {
  try {
    const said = JSON.parse(text) as ExporterStatus;
    return said.version === 1 ? said : null;
  } catch {
    return null;
  }
}

/** The socket's path, by way of the open directory where it is too long for an address; `done` when it has been used. */
function reach(place: string): { readonly path: string; done(): void } {
  const path = join(place, NAME);
  if (Buffer.byteLength(path) <= LONGEST_PATH) return { path, done: () => {} };
  let fd: number | null = openSync(place, constants.O_RDONLY | constants.O_DIRECTORY);
  return {
    path: `/proc/self/fd/${fd}/${NAME}`,
    done() {
      if (fd !== null) closeSync(fd);
      fd = null;
    },
  };
}
