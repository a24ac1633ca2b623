/**
 * pm2: the application is traced through start, restart, reload and a long stop; its command and its daemon are stepped over.
 * Started by pm2, otel-run says what the application says, and hands on what it is told.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { nodes } from '../harness/nodes.ts';
import { cleanEnv, launcher, startPlainNode } from '../harness/run.ts';
import { fixtures, openStage, toolModules, type Stage } from './play.ts';

beforeAll(() => ensureApps(['tools']), 300_000);

const node = nodes.node26 ?? process.execPath;
const pm2 = join(toolModules, 'pm2/bin/pm2');
const homes: string[] = [];
afterAll(() => {
  for (const home of homes) {
    command({ PM2_HOME: home }, 'kill');
    rmSync(home, { recursive: true, force: true });
  }
});

function command(env: Record<string, string>, ...words: string[]): void {
  execFileSync(node, [pm2, ...words], { env: cleanEnv(env, node), stdio: 'ignore', timeout: 30_000 });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Asks until a process answers that has not answered before; resolves with its id. */
async function askNext(port: number, before: ReadonlySet<string>): Promise<string> {
  for (let tries = 0; tries < 400; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } }).then((response) => response.text(), () => '');
    if (answer !== '' && !before.has(answer)) return answer;
    await delay(50);
  }
  throw new Error('nobody answers');
}

interface Scene {
  readonly env: Record<string, string>;
  readonly stage: Stage;
  readonly port: number;
  readonly pids: Set<string>;
  /** One request to the process that has come up now; its span has arrived when this returns. */
  readonly serve: () => Promise<void>;
}

async function openScene(): Promise<Scene> {
  const home = mkdtempSync(join(tmpdir(), 'pm2-'));
  homes.push(home);
  const port = await freePort();
  const env = { OTEL_BSP_SCHEDULE_DELAY: '100', PM2_HOME: home, PORT: String(port), PATH: [dirname(node), process.env.PATH].join(delimiter) };
  const stage = await openStage({ node, env, topology: 'parent', timeoutMs: 30_000 });
  const pids = new Set<string>();
  const serve = async (): Promise<void> => {
    const pid = await askNext(port, pids);
    pids.add(pid);
    await stage.receiver.waitForSpans((spans) => spans.some(({ name, resource }) => name === 'served' && String(resource['process.pid']) === pid), 20_000);
  };
  return { env, stage, port, pids, serve };
}

const start = [pm2, 'start', join(fixtures, 'numbered-server.cjs'), '--name', 'served'];

describe('pm2', () => {
  test('a daemon that was started under otel-run', { timeout: 90_000 }, async () => {
    const { env, stage, serve } = await openScene();
    try {
      const { exitCode, stderr } = await stage.start(start).ended;
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      await serve();
      command(env, 'restart', 'served');
      await serve();
      command(env, 'reload', 'served');
      await serve();
      command(env, 'stop', 'served');
      command(env, 'start', 'served');
      await serve();
      const ours = stage.seen();
      expect([...new Set(ours)]).toEqual(['Daemon.js: not traced', 'ProcessContainerFork.js: traced', 'pm2: not traced']);
    } finally {
      command(env, 'kill');
      await stage.receiver.close();
    }
  });

  test('a cluster of two under such a daemon', { timeout: 90_000 }, async () => {
    const { env, stage, serve } = await openScene();
    try {
      const { exitCode, stderr } = await stage.start([...start, '-i', '2']).ended;
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      await serve();
      await serve();
      command(env, 'reload', 'served');
      await serve();
      await serve();
      expect(new Set(stage.receiver.spans.map(({ resource }) => resource['service.instance.id'])).size).toBe(4);
    } finally {
      command(env, 'kill');
      await stage.receiver.close();
    }
  });

  test('a daemon that was there before', { timeout: 90_000 }, async () => {
    const { env, stage, serve } = await openScene();
    command(env, 'ping');
    try {
      const { exitCode, stderr } = await stage.start(start).ended;
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      await serve();
      command(env, 'restart', 'served');
      await serve();
    } finally {
      command(env, 'kill');
      await stage.receiver.close();
    }
  });

  test('otel-run as what pm2 starts: online when the application says so, its end when pm2 tells it to', { timeout: 90_000 }, async () => {
    const { env, stage, port, pids, serve } = await openScene();
    const [go, heard, ecosystem] = ['go', 'heard', 'ecosystem.config.json'].map((name) => join(env.PM2_HOME!, name)) as [string, string, string];
    const app = {
      name: 'served',
      script: launcher,
      interpreter: node,
      args: [node, join(fixtures, 'says-ready.cjs')],
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: stage.receiver.httpUrl, OTEL_BSP_SCHEDULE_DELAY: '100', GO: go, HEARD: heard },
      wait_ready: true,
      listen_timeout: 60_000,
      shutdown_with_message: true,
      kill_timeout: 30_000,
    };
    writeFileSync(ecosystem, JSON.stringify({ apps: [app] }));
    const status = (): string => (JSON.parse(execFileSync(node, [pm2, 'jlist', '--silent'], { env: cleanEnv(env, node), encoding: 'utf8' })) as { pm2_env: { status: string } }[])[0]!.pm2_env.status;
    try {
      command(env, 'ping');
      const starting = startPlainNode({ node, args: [pm2, 'start', ecosystem], env, timeoutMs: 60_000 });
      const first = await askNext(port, pids);
      expect(status()).toBe('launching');
      writeFileSync(go, '');
      expect(await starting.ended).toMatchObject({ exitCode: 0, stderr: '' });
      expect(status()).toBe('online');
      await serve();
      command(env, 'reload', 'served');
      await serve();
      const second = [...pids].at(-1);
      expect(second).not.toBe(first);
      command(env, 'stop', 'served');
      expect(readFileSync(heard, 'utf8')).toBe(`${first} shutdown\n${second} shutdown\n`);
      expect(status()).toBe('stopped');
    } finally {
      command(env, 'kill');
      await stage.receiver.close();
    }
  });
});
