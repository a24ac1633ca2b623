import type { ChildProcess } from 'node:child_process';
import { writeSync } from 'node:fs';
import { setPriority } from 'node:os';
import type { ExporterPlan } from '../plan/types.ts';
import { spawnApart } from './spawn-apart.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** All that the exporter is given of the environment: whom TLS trusts, where temporary files go. */
const passedOn = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_TLS_REJECT_UNAUTHORIZED', 'TMPDIR', 'TZ'];

/** Below the application's: the exporter is never ahead of it on the processor. */
const NICENESS = 10;

export interface ExporterStart {
  readonly exporterFile: string;
  readonly env: Env;
  readonly unmarkedDescriptors: readonly number[];
}

/**
 * Starts the exporter as a process of its own, in a session of its own, with none of our descriptors. Its plan goes
 * through a pipe, because it may hold credentials, and is written when this returns: what comes next may replace
 * this process. Throws when it cannot be started.
 */
export function startExporterProcess(plan: ExporterPlan, { exporterFile, env, unmarkedDescriptors }: ExporterStart): ChildProcess {
  const child = spawnApart(process.execPath, [exporterFile], { env: exporterEnv(env), detached: true, unmarkedDescriptors });
  if (child.pid === undefined) {
    child.on('error', () => {}); // said by our caller; unheard it would end the launcher
    throw new Error('the exporter did not start');
  }
  try {
    setPriority(child.pid, NICENESS);
  } catch {
    // A priority is a courtesy.
  }
  writeWhole(descriptorOf(child), Buffer.from(JSON.stringify(plan)));
  child.stdin!.destroy();
  child.unref();
  return child;
}

function exporterEnv(env: Env): Record<string, string> {
  // Node adds a NODE_V8_COVERAGE of its own to what names none.
  const result: Record<string, string> = { NODE_V8_COVERAGE: '' };
  for (const name of passedOn) if (env[name] !== undefined) result[name] = env[name];
  return result;
}

/** A stream's own writes wait for the event loop, which does not turn again once this process is replaced. */
function descriptorOf(child: ChildProcess): number {
  const fd = (child.stdin as unknown as { _handle?: { fd?: number } })._handle?.fd;
  if (fd === undefined || fd < 0) throw new Error("the exporter's pipe has no descriptor");
  return fd;
}

function writeWhole(fd: number, bytes: Buffer): void {
  const until = Date.now() + 1000;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') throw new Error('the exporter ended before it had read its plan');
      // The pipe takes some 200 KiB at once; a larger plan waits for its reader.
      if (code !== 'EAGAIN' || Date.now() > until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
