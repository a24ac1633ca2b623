import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { openKeep } from '../../src/export/keep.ts';
import { openLedger, readLedger } from '../../src/export/ledger.ts';
import { adoptOrphans } from '../../src/export/orphans.ts';
import { makeRoom, otlp, type Room } from './room.ts';

const backend = otlp('http://127.0.0.1:9', { headers: { 'x-token': 'secret' } });
const identity = { serviceName: null, environment: null };
const dead = { pid: 2 ** 22 + 1, thread: 0, start: '1' };

/** A spool with 100 spans of a writer that has ended, as a run named `run` left it; `mine` is where the adopter's own would be. */
async function orphan(room: Room, run: string): Promise<{ dir: string; mine: string }> {
  const dir = join(room.dir, 'otel-run-0', run);
  mkdirSync(dirname(dir), { recursive: true });
  await room.write({ from: 1, to: 100, ending: 'kill', dir });
  return { dir, mine: join(room.dir, 'otel-run-0', 'ffffffffffffffff') };
}

/** With the ledger of an exporter that has ended; this process wrote it, so that another must be named. */
function leaveLedger(room: Room, dir: string, change: object = {}): void {
  openLedger(room.plan({ spool: dir, destinations: [backend] })).close();
  const ledger = readLedger(dir)!;
  writeFileSync(join(dir, 'exporter.json'), JSON.stringify({ ...ledger, exporter: { ...ledger.exporter, ...dead }, ...change }));
}

test('what a killed exporter left is kept for its destination, once', async () => {
  const room = makeRoom();
  const { dir, mine } = await orphan(room, '00000000000000aa');
  leaveLedger(room, dir);
  expect(adoptOrphans(mine)).toEqual({ kept: 100, lost: 0 });
  expect(adoptOrphans(mine)).toEqual({ kept: 0, lost: 0 });
  expect(existsSync(dir)).toBe(false);
  expect(openKeep(room.state, backend, identity).count()).toBe(100);
  expect(room.kept().some(({ text }) => text.includes('secret'))).toBe(false);
});

test('what had been settled is not sent again', async () => {
  const room = makeRoom();
  const { dir, mine } = await orphan(room, '00000000000000ab');
  const name = room.segments(dir)[0]!;
  openLedger(room.plan({ spool: dir, destinations: [backend], settled: [{ [name]: 3 }] })).close();
  const ledger = readLedger(dir)!;
  writeFileSync(join(dir, 'exporter.json'), JSON.stringify({ ...ledger, exporter: { ...ledger.exporter, ...dead } }));
  expect(adoptOrphans(mine)).toEqual({ kept: 40, lost: 0 }); // 20 in a chunk
});

test('a spool whose exporter lives, or whose adopter does, is let alone', async () => {
  const room = makeRoom();
  const { dir, mine } = await orphan(room, '00000000000000ac');
  openLedger(room.plan({ spool: dir, destinations: [backend] })).close(); // this process
  expect(adoptOrphans(mine)).toEqual({ kept: 0, lost: 0 });
  leaveLedger(room, dir);
  const claimed = `${dir}.${process.pid}-x`;
  renameSync(dir, claimed);
  expect(adoptOrphans(mine)).toEqual({ kept: 0, lost: 0 });
  renameSync(claimed, `${dir}.${dead.pid}-1`); // it ended in the middle
  expect(adoptOrphans(mine)).toEqual({ kept: 100, lost: 0 });
});

test('a writer that lives keeps its spool', async () => {
  const room = makeRoom();
  const dir = join(room.dir, 'otel-run-0', '00000000000000ad');
  mkdirSync(dirname(dir), { recursive: true });
  const writer = await room.write({ from: 1, to: 100, ending: 'stay', dir });
  leaveLedger(room, dir);
  const mine = join(room.dir, 'otel-run-0', 'ffffffffffffffff');
  expect(adoptOrphans(mine)).toEqual({ kept: 0, lost: 0 });
  writer.kill('SIGKILL');
  await new Promise((resolve) => writer.once('close', resolve));
  expect(adoptOrphans(mine)).toEqual({ kept: 100, lost: 0 });
});

test('a shell of the run that lives keeps its spool: it may start the next process', async () => {
  const room = makeRoom();
  const run = '00000000000000ba';
  const { dir, mine } = await orphan(room, run);
  leaveLedger(room, dir);
  const shell = spawn('sh', ['-c', 'echo here; read line'], { env: { PATH: process.env.PATH, OTEL_RUN_PLAN: `{"run":"${run}"}` }, stdio: ['pipe', 'pipe', 'ignore'] });
  await once(shell.stdout, 'data');
  expect(adoptOrphans(mine)).toEqual({ kept: 0, lost: 0 });
  shell.stdin.end();
  await once(shell, 'close');
  expect(adoptOrphans(mine)).toEqual({ kept: 100, lost: 0 });
});

test.each([
  ['of nobody is counted after a while', 11, { kept: 0, lost: 100 }],
  ['of nobody may be one that begins', 1, { kept: 0, lost: 0 }],
])('a spool %s', async (_, minutes, adopted) => {
  const room = makeRoom();
  const { dir, mine } = await orphan(room, '00000000000000ae');
  const then = Date.now() / 1000 - minutes * 60;
  utimesSync(dir, then, then);
  expect(adoptOrphans(mine)).toEqual(adopted);
  expect(existsSync(dir)).toBe(adopted.lost === 0);
});

test('a destination that nobody configured leaves no state', async () => {
  const room = makeRoom();
  const { dir, mine } = await orphan(room, '00000000000000af');
  openLedger(room.plan({ spool: dir, destinations: [{ ...backend, undelivered: 'drop' }] })).close();
  writeFileSync(join(dir, 'exporter.json'), JSON.stringify({ ...readLedger(dir)!, exporter: { ...readLedger(dir)!.exporter, ...dead } }));
  expect(adoptOrphans(mine)).toEqual({ kept: 0, lost: 0 });
  expect([existsSync(dir), room.kept()]).toEqual([false, []]);
});
