import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { ExporterPlan } from '../../src/plan/types.ts';
import { startTicks } from '../../src/spool/owner.ts';
import { nodes } from '../harness/nodes.ts';
import { closedPort, startReceiver } from '../harness/receiver.ts';
import { exporterFile, makeRoom, otlp, until, type Room } from './room.ts';

async function receive() {
  const receiver = await startReceiver();
  onTestFinished(() => receiver.close());
  return receiver;
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
}

/** The exporter as the launcher starts it, with its plan on stdin. */
function start(plan: ExporterPlan, node = process.execPath): Running {
  const child = spawn(node, [exporterFile], { stdio: ['pipe', 'ignore', 'inherit'], detached: true, env: {} });
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  onTestFinished(() => void (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')));
  child.stdin!.end(JSON.stringify(plan));
  return { child, ended };
}

/** A stand-in for the application's first process. */
async function application(room: Room, to: number): Promise<{ root: { pid: number; start: string | null }; child: ChildProcess }> {
  const child = await room.write({ from: 1, to, ending: 'stay' });
  return { root: { pid: child.pid!, start: startTicks(child.pid!) }, child };
}

test.each(Object.entries(nodes).filter(([name]) => !name.endsWith('min')))('%s: it lives as long as the application, delivers, cleans up and ends', async (_, node) => {
  const room = makeRoom();
  const receiver = await receive();
  const { root, child } = await application(room, 100);
  const { child: exporter, ended } = start(room.plan({ root, destinations: [otlp(receiver.httpUrl)] }), node);
  await receiver.waitForSpans(100);
  expect(readlinkSync(`/proc/${exporter.pid}/cwd`)).toBe('/');
  child.kill('SIGKILL');
  expect(await ended).toBe(0);
  expect(existsSync(room.spool)).toBe(false);
  expect(receiver.missing(100)).toEqual([]);
});

test('signals to the whole group do not end it before the application has ended, and make batches go at once', async () => {
  const room = makeRoom();
  const receiver = await receive();
  const { root, child } = await application(room, 10);
  const { child: exporter, ended } = start(room.plan({ root, destinations: [otlp(receiver.httpUrl)], batch: { scheduleDelayMs: 60_000, maxItems: 512 } }));
  // The last of the three; Node itself catches the others from its start on.
  await until(() => /SigCgt:.*[13579bdf]$/m.test(statusOf(exporter.pid!)), 'it handles SIGHUP');
  // Nothing tells when the worker has begun to read: the signal is repeated until it has an effect.
  const timer = setInterval(() => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) exporter.kill(signal);
  }, 50);
  await receiver.waitForSpans(10).finally(() => clearInterval(timer));
  expect(exporter.exitCode ?? exporter.signalCode).toBeNull();
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

test('it stays for a process that outlives the first one', async () => {
  const room = makeRoom();
  const receiver = await receive();
  const { root, child } = await application(room, 10);
  const { child: exporter, ended } = start(room.plan({ root, destinations: [otlp(receiver.httpUrl)] }));
  await receiver.waitForSpans(10);
  const daemon = await room.write({ from: 11, to: 20, ending: 'stay' });
  await receiver.waitForSpans(20);
  child.kill('SIGKILL');
  await until(() => room.segments().length === 1, 'the segment of the first process is gone');
  expect(exporter.exitCode).toBeNull();
  daemon.stdin!.end();
  expect(await ended).toBe(0);
  expect(existsSync(room.spool)).toBe(false);
});

test('it is not fooled by a pid that somebody else has now', async () => {
  const room = makeRoom();
  const receiver = await receive();
  await room.write({ from: 1, to: 10 });
  const { ended } = start(room.plan({ root: { pid: process.pid, start: '1' }, destinations: [otlp(receiver.httpUrl)] }));
  expect(await ended).toBe(0);
  expect(receiver.missing(10)).toEqual([]);
});

test('what it has to say goes to the notice file; what it could not deliver is kept, without the credentials', async () => {
  const room = makeRoom();
  const noticeFile = join(room.dir, 'notices');
  const { root, child } = await application(room, 10);
  const secret = 'Bearer s3cr3t-t0k3n';
  const url = `http://user:passw0rd@127.0.0.1:${await closedPort()}`;
  const { ended } = start(room.plan({ root, noticeFile, destinations: [otlp(url, { headers: { authorization: secret } })] }));
  await until(() => existsSync(noticeFile) && readFileSync(noticeFile, 'utf8').endsWith('\n'), 'it is said');
  child.kill('SIGKILL');
  expect(await ended).toBe(0);
  expect(readFileSync(noticeFile, 'utf8')).toMatch(/connection refused/);
  const kept = room.kept();
  expect(kept.map(({ count }) => count)).toEqual([10]);
  const everything = [readFileSync(noticeFile, 'latin1'), ...kept.map(({ text }) => text), ...readdirSync(room.state, { recursive: true }).map(String)].join('\n');
  for (const hidden of ['s3cr3t', 'passw0rd', 'user:']) expect(everything).not.toContain(hidden);
});

test('a backend that never answers costs no memory: 100,000 spans go through the spool to the state directory', { timeout: 90_000 }, async () => {
  const room = makeRoom();
  const receiver = await receive();
  receiver.misbehave({ kind: 'hang' });
  const spoolBytes = 16 * 1024 * 1024;
  const { root, child } = await application(room, 1);
  const { child: exporter, ended } = start(room.plan({ root, spoolBytes, destinations: [otlp(receiver.httpUrl, { timeoutMs: 500 })] }));
  await receiver.waitForRequests(1);
  const resident: number[] = [];
  const timer = setInterval(() => resident.push(Number(/^VmRSS:\s+(\d+) kB/m.exec(statusOf(exporter.pid!))![1]) / 1024), 50);
  await room.write({ from: 2, to: 100_000, padding: 300, perTurn: 100, pauseMs: 8, capBytes: spoolBytes });
  clearInterval(timer);
  child.kill('SIGKILL');
  expect(await ended).toBe(0);
  const kept = room.kept().reduce((sum, { count }) => sum + count, 0);
  expect(kept).toBe(100_000);
  // 45 MB have gone through; what the collector lets lie about for a while is some 30.
  expect(Math.max(...resident) - resident[0]!).toBeLessThan(48);
});

function statusOf(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, 'latin1');
}
