import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { destinationHash, openKeep, withoutSecrets, type Keep, type KeepLimits } from '../../src/export/keep.ts';
import { keptFolders, look, removeExpired } from '../../src/export/kept-files.ts';
import { keepAtOnce, otlp } from './room.ts';

const identity = { serviceName: 'shop', environment: 'test' };
const destination = otlp('http://user:passw0rd@collector:4318', { headers: { authorization: 'Bearer s3cret' } });
const batch = (count: number, bytes = 100) => ({ signal: 'traces' as const, count, body: Buffer.alloc(bytes, count) });

let state: string;
beforeEach(() => void (state = mkdtempSync(join(tmpdir(), 'keep-'))));
afterEach(() => rmSync(state, { recursive: true, force: true }));

const open = (limits?: KeepLimits, whose = identity): Keep => openKeep(state, destination, whose, limits);
const dir = (): string => join(state, 'kept', destinationHash(destination, identity));
const files = (): string[] => readdirSync(dir()).sort();

test('what was put is claimed once, oldest first, and gone when it is done', () => {
  const keep = open();
  keep.put(batch(1));
  keep.put(batch(2));
  const first = keep.claim()!;
  const second = open().claim()!;
  expect([first.batch.count, second.batch.count].sort()).toEqual([1, 2]);
  expect(first.batch).toMatchObject({ signal: 'traces', body: Buffer.alloc(100, first.batch.count) });
  expect(open().claim()).toBeNull();
  first.putBack();
  expect(open().claim()!.batch.count).toBe(first.batch.count);
  second.done();
  expect(files()).toHaveLength(1);
});

test('nothing is lost where others send what is kept, and remove the empty folder, at the same time', async () => {
  const script = `const { rmdirSync, readdirSync, unlinkSync } = require('node:fs'); const { workerData, parentPort } = require('node:worker_threads');
    for (;;) { try { for (const name of readdirSync(workerData)) if (name.endsWith('.otlp')) { unlinkSync(workerData + '/' + name); parentPort.postMessage(1); } } catch {} try { rmdirSync(workerData); } catch {} Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1); }`;
  const worker = new Worker(script, { eval: true, workerData: dir() });
  let sent = 0;
  worker.on('message', () => sent++);
  await once(worker, 'online');
  for (let n = 0; n < 2000; n++) open().put(batch(1));
  await vi.waitFor(() => expect(sent).toBe(2000), 10_000);
  await worker.terminate();
});

test('files and folders are for their owner alone, and hold no credentials', () => {
  open().put(batch(1));
  const [name] = files();
  const modes = [state, join(state, 'kept'), dir(), join(dir(), name!)].map((path) => statSync(path).mode & 0o777);
  expect(modes).toEqual([0o700, 0o700, 0o700, 0o600]);
  const text = readFileSync(join(dir(), name!), 'latin1');
  expect(JSON.parse(text.split('\n')[0]!)).toMatchObject({ endpoint: 'http://collector:4318/v1/traces', service: 'shop', signal: 'traces', count: 1 });
  expect(text).not.toMatch(/s3cret|passw0rd/);
});

test.each([
  ['endpoint', otlp('http://elsewhere:4318', { headers: destination.headers }), identity],
  ['credentials', { ...destination, headers: { authorization: 'Bearer other' } }, identity],
  ['service', destination, { ...identity, serviceName: 'other' }],
  ['environment', destination, { ...identity, environment: 'production' }],
])('another %s does not get it', (_, other, whose) => {
  open().put(batch(1));
  expect(openKeep(state, other, whose).claim()).toBeNull();
});

test('the order of headers makes no other destination', () => {
  const [a, b] = [{ x: '1', y: '2' }, { y: '2', x: '1' }].map((headers) => destinationHash({ ...destination, headers }, identity));
  expect(a).toBe(b);
});

test('the oldest of all destinations makes room, and is counted', () => {
  const limits = { bytes: 3000, ageMs: 3600_000 };
  open(limits, { ...identity, serviceName: 'other' }).put(batch(7, 1000));
  ageBy(join(state, 'kept', destinationHash(destination, { ...identity, serviceName: 'other' })), 1000);
  const keep = open(limits);
  expect(keep.put(batch(1, 1000))).toEqual([]);
  for (const first = Date.now(); Date.now() === first; ); // names carry milliseconds
  expect(keep.put(batch(2, 1000))).toEqual([{ signal: 'traces', count: 7, own: false }]);
  expect(keep.put(batch(3, 1000))).toEqual([{ signal: 'traces', count: 1, own: true }]);
});

test('what is too old is not sent, and counted', () => {
  open().put(batch(3));
  ageBy(dir(), 25 * 3600_000);
  const lost: unknown[] = [];
  expect(openKeep(state, destination, identity, undefined, (...what) => lost.push(what)).claim()).toBeNull();
  expect(lost).toEqual([[3, 'too old']]);
  expect(files()).toEqual([]);
});

test('what is too old goes for every destination, with the word for whom it was; so does what a killed writer left unfinished', () => {
  const other = openKeep(state, otlp('http://elsewhere:4318'), identity);
  other.put(batch(4));
  other.put(batch(5));
  open().put(batch(3));
  const [folder] = keptFolders(state).filter((path) => path !== dir());
  ageBy(folder!, 25 * 3600_000);
  expect(removeExpired(state)).toEqual([{ endpoint: 'http://elsewhere:4318/v1/traces', count: 9 }]);
  expect([existsSync(folder!), open().count()]).toEqual([false, 3]);
  const unfinished = join(dir(), '.1700000000000-traces-1-aaaa.otlp.tmp');
  writeFileSync(unfinished, 'begun');
  expect(removeExpired(state)).toEqual([]);
  expect(existsSync(unfinished)).toBe(true); // somebody may be writing it
});

test('a file that cannot be read is counted', () => {
  open().put(batch(3));
  writeFileSync(join(dir(), files()[0]!), 'no header');
  const lost: unknown[] = [];
  expect(openKeep(state, destination, identity, undefined, (...what) => lost.push(what)).claim()).toBeNull();
  expect([lost, files()]).toEqual([[[3, 'the file cannot be read']], []]);
});

test('several processes that keep at the same time keep to one bound, and everything that made room is counted once', async () => {
  const bytes = 2_000_000;
  const evicted = await keepAtOnce(Array.from({ length: 4 }, (_, number) => ({ state, bytes, batches: 30, batchBytes: 50_000, service: `service ${number}` })));
  const kept = keptFolders(state).map(look);
  expect(kept.reduce((sum, { bytes: size }) => sum + size, 0)).toBeLessThanOrEqual(bytes);
  expect(evicted + kept.reduce((sum, folder) => sum + folder.kept.length, 0)).toBe(120);
});

test('the claim of a process that has ended is given back, that of a living one is not', () => {
  open().put(batch(1));
  open().claim();
  const [claimed] = files();
  expect(open().claim()).toBeNull();
  const dead = claimed!.replace(/\.otlp\.\d+-\d+-/, '.otlp.4194000-1-');
  renameSync(join(dir(), claimed!), join(dir(), dead));
  expect(open().claim()!.batch.count).toBe(1);
});

test('links, strangers and broken files are passed over', () => {
  const keep = open();
  keep.put(batch(5));
  const now = Date.now() - 1000;
  symlinkSync('/etc/passwd', join(dir(), `${now}-traces-1-aaaa.otlp`));
  writeFileSync(join(dir(), `${now}-traces-2-bbbb.otlp`), 'no header');
  writeFileSync(join(dir(), 'README'), 'hello');
  expect(open().claim()!.batch.count).toBe(5);
  expect(open().claim()).toBeNull();
});

test('a state directory that cannot be made throws at once', () => {
  expect(() => openKeep('/proc/nothing/here', destination, identity).put(batch(1))).toThrow(/ENOENT/);
});

test.each([
  ['https://u:p@host:1/v1/traces?key=k#f', 'https://host:1/v1/traces'],
  ['http://host', 'http://host'],
  ['nonsense', 'an invalid address'],
])('withoutSecrets(%s)', (url, expected) => expect(withoutSecrets(url)).toBe(expected));

/** Files are as old as their names say. */
function ageBy(where: string, ms: number): void {
  for (const name of readdirSync(where)) {
    const [time, signal, count, rest] = name.split('-');
    renameSync(join(where, name), join(where, [Number(time) - ms, signal, count, rest].join('-')));
  }
}
