import { spawn, spawnSync } from 'node:child_process';
import { chownSync, closeSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findOnPath } from '../../scripts/setup/command.mjs';

/** A server that runs: where it answers (plain data), and how it ends. */
export type Server<Address> = Address &
  ServerFiles & {
    readonly pid: number;
    /** Resolves when the process is gone, whoever ended it, with how it ended. */
    readonly ended: Promise<string>;
    stop(): Promise<void>;
  };

/** What a test may look at when something went wrong. */
export type ServerFiles = { readonly logFile: string };

export type Service<Address extends object> = {
  /** Brings the server's programs onto the machine; throws `ServiceUnavailable` where they cannot be had. */
  prepare(): Promise<void>;
  start(): Promise<Server<Address>>;
};

/** The machine cannot have this server; the message is the sentence that says what is missing. */
export class ServiceUnavailable extends Error {}

export type Launch = {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly dir: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly ids?: { readonly uid: number; readonly gid: number };
  /** What ends this server at once and without harm. */
  readonly stopSignal: 'SIGTERM' | 'SIGINT' | 'SIGKILL';
  /** Throws or answers false until the server answers for real. */
  isReady(): Promise<boolean>;
};

/** Starts a server and resolves when it answers; its output goes to a file in its folder. */
export async function startServer<Address extends object>(launch: Launch, address: Address): Promise<Server<Address>> {
  const logFile = path.join(launch.dir, `${launch.name}.log`);
  const log = openSync(logFile, 'a');
  const [command, ...args] = endingWithParent(launch);
  const child = spawn(command, args, {
    ...launch.ids,
    cwd: launch.dir,
    env: launch.env ?? process.env,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let ending: string | undefined;
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve((ending = error.message)));
    child.once('exit', (code, signal) => resolve((ending = signal ?? `exit code ${code}`)));
  });
  const stop = async (): Promise<void> => {
    if (ending === undefined) child.kill(launch.stopSignal);
    const hasEnded = await Promise.race([ended.then(() => true), delay(5000, false, { ref: false })]);
    if (!hasEnded) child.kill('SIGKILL');
    await ended;
    rmSync(launch.dir, { recursive: true, force: true });
  };
  try {
    await waitFor(`${launch.name} to answer`, 60_000, async () => {
      if (ending !== undefined) throw new Error(`${launch.name} ended at its start (${ending})`);
      return launch.isReady().catch(() => false);
    });
  } catch (error) {
    const output = readFileSync(logFile, 'utf8').trim().split('\n').slice(-20).join('\n');
    await stop();
    throw new Error(`${(error as Error).message}\n${output}`);
  }
  return { ...address, logFile, pid: child.pid as number, ended, stop };
}

/** Polls until `condition` holds; what it throws ends the waiting. */
export async function waitFor(what: string, timeoutMs: number, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await delay(25);
  }
}

const FOLDER_PREFIX = 'otel-run-service-';

/** A fresh folder for one server, named after the process that starts it. */
export function makeServerDir(name: string, owner?: { uid: number; gid: number }): string {
  const dir = mkdtempSync(path.join(os.tmpdir(), `${FOLDER_PREFIX}${process.pid}-${name}-`));
  if (owner) chownSync(dir, owner.uid, owner.gid);
  return dir;
}

/** Removes what runs that were killed left behind. */
export function sweepServerDirs(): void {
  for (const entry of readdirSync(os.tmpdir())) {
    const pid = Number(entry.startsWith(FOLDER_PREFIX) && entry.slice(FOLDER_PREFIX.length).split('-')[0]);
    if (pid > 0 && !isAlive(pid)) rmSync(path.join(os.tmpdir(), entry), { recursive: true, force: true });
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

// Below Linux's range for outgoing connections, which could take the port
// between this look and the server's bind.
const LOWEST_PORT = 20_000;
const HIGHEST_PORT = 32_000;
const handedOut = new Set<number>();

export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = LOWEST_PORT + Math.floor(Math.random() * (HIGHEST_PORT - LOWEST_PORT));
    if (handedOut.has(port) || !(await isBindable(port))) continue;
    handedOut.add(port);
    return port;
  }
}

/** The unprivileged user for servers that refuse to run as root. */
export function unprivilegedIds(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout));
  if (!uid || !gid) throw new ServiceUnavailable('there is no user "nobody", and this server refuses to run as root');
  return { uid, gid };
}

// A killed test run cannot stop its servers: the kernel ends them with it.
function endingWithParent(launch: Launch): [string, ...string[]] {
  const argv: [string, ...string[]] = [launch.command, ...launch.args];
  if (!findOnPath('setpriv')) return argv;
  return ['setpriv', '--pdeathsig', launch.stopSignal.replace('SIG', ''), ...argv];
}

function isBindable(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
