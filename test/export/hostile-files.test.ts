/** What lies in the spool's and the state directory may be damaged, or put there by somebody else: it is read as far as it is ours, or not at all. */
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, linkSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { takeLastWords } from '../../src/commands/last-words.ts';
import { openKeep } from '../../src/export/keep.ts';
import { keptFolders, look, parseKept } from '../../src/export/kept-files.ts';
import { parseLedger } from '../../src/export/ledger.ts';
import { openSendLock } from '../../src/export/send-lock.ts';
import { createStoreExporter, readStore } from '../../src/export/store.ts';
import { bootId, pidNamespace } from '../../src/spool/owner.ts';
import { readPlainFile } from '../../src/spool/plain-file.ts';
import { damageText, generator } from '../harness/seeded.ts';
import { NOBODYS_UID, as, isRoot } from '../harness/users.ts';
import { otlp } from './room.ts';

const SEED = Number(process.env.HOSTILE_SEED ?? 20_261_121);
const unfit = /[\x00-\x1f\x7f-\x9f]/;
const never = AbortSignal.timeout(60_000);

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hostile-files-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
});

function eachMutation(text: string, rounds: number, look: (mutated: string) => void): void {
  const random = generator(SEED);
  for (let round = 0; round < rounds; round++) {
    const mutated = damageText(text, random);
    try {
      look(mutated);
    } catch (error) {
      throw new Error(`round ${round} of HOSTILE_SEED=${SEED}: ${JSON.stringify(mutated)}`, { cause: error });
    }
  }
  expect(({} as { version?: unknown }).version).toBeUndefined();
}

describe('mutated', () => {
  test('30,000 headers of kept telemetry', () => {
    const header = { version: 1, endpoint: 'https://h/v1/traces', protocol: 'http/protobuf', service: 'shop', environment: null, signal: 'traces', count: 5, time: '2026-01-01T00:00:00.000Z' };
    let read = 0;
    eachMutation(`${JSON.stringify(header)}\nbody`, 30_000, (text) => {
      const found = parseKept(Buffer.from(text, 'utf8'));
      if (found === null) return;
      read++;
      const { endpoint, protocol, service, environment, signal, count, time } = found.header;
      for (const word of [endpoint, protocol, service ?? '', environment ?? '', time]) if (typeof word !== 'string' || unfit.test(word)) throw new Error('unfit for a terminal');
      if (!['traces', 'metrics', 'logs'].includes(signal) || !Number.isSafeInteger(count)) throw new Error('believed');
    });
    expect(read).toBeGreaterThan(1000);
  });

  test('30,000 ledgers of exporters', () => {
    const keep = { hash: '0'.repeat(32), endpoint: 'https://h', protocol: 'grpc', service: null, environment: null };
    const ledger = { version: 1, exporter: { pid: 7, thread: 0, start: '1', pidNamespace: null, boot: null }, stateDir: '/s', maxItems: 512, destinations: [{ signal: 'traces', keep, positions: { '1-0-1-0.seg': 3 } }] };
    let read = 0;
    eachMutation(JSON.stringify(ledger), 30_000, (text) => {
      const found = parseLedger(text);
      if (found === null) return;
      read++;
      if (!(found.maxItems > 0 && found.maxItems <= 1_000_000) || !(found.exporter.pid > 0)) throw new Error('believed');
      if (found.stateDir !== null && !found.stateDir.startsWith('/')) throw new Error('a relative place');
      for (const { keep, positions } of found.destinations) {
        if (keep !== null && !/^[0-9a-f]{32}$/.test(keep.hash)) throw new Error('a path for a name');
        for (const chunks of Object.values(positions)) if (!(chunks >= 0)) throw new Error('a position that is none');
      }
    });
    expect(read).toBeGreaterThan(1000);
  });

  test.each([
    ['deep', '['.repeat(1_000_000)],
    ['another kind of thing', '7'],
    ['nothing', ''],
    ['null', 'null'],
    ['a version that is inherited', '{"__proto__":{"version":1}}'],
    ['a name that leads away', JSON.stringify({ version: 1, exporter: { pid: 1 }, stateDir: '/s', maxItems: 1, destinations: [{ signal: 'traces', keep: { hash: '../../../etc', endpoint: '', protocol: '' }, positions: {} }] })],
    ['chunks of no items', JSON.stringify({ version: 1, exporter: { pid: 1 }, stateDir: '/s', maxItems: 0, destinations: [] })],
    ['an exporter that is everybody', JSON.stringify({ version: 1, exporter: { pid: -1 }, stateDir: '/s', maxItems: 1, destinations: [] })],
  ])('a ledger, or a header, that is %s', (_, text) => {
    expect([parseLedger(text), parseKept(Buffer.from(`${text}\n`))]).toEqual([null, null]);
  });
});

describe('what is no plain file of ours is not read', () => {
  const limits = { most: 1000, isOurs: true };

  test('links, folders, sockets, second names, and what is too large', async () => {
    const path = (name: string): string => join(dir, name);
    writeFileSync(path('plain'), 'plain');
    writeFileSync(path('other'), 'other');
    symlinkSync(path('plain'), path('link'));
    linkSync(path('other'), path('second'));
    mkdirSync(path('folder'));
    writeFileSync(path('large'), '');
    truncateSync(path('large'), 8 * 1024 ** 3);
    const server = createServer().listen(path('socket'));
    onTestFinished(() => void server.close());
    expect(readPlainFile(path('plain'), limits).toString()).toBe('plain');
    for (const name of ['link', 'other', 'second', 'folder', 'large', 'socket', 'missing']) expect(() => readPlainFile(path(name), limits), name).toThrow();
    expect(readPlainFile(path('large'), { most: 10, isHeadEnough: true })).toEqual(Buffer.alloc(10));
  });

  test.runIf(isRoot)("another user's (root: only it can make one)", () => {
    const file = join(dir, 'file');
    writeFileSync(file, 'x', { mode: 0o666 });
    chownSync(dir, NOBODYS_UID, NOBODYS_UID);
    chownSync(file, NOBODYS_UID + 1, NOBODYS_UID + 1);
    expect(() => as(NOBODYS_UID, () => readPlainFile(file, limits))).toThrow('somebody else');
    chownSync(file, 0, 0);
    expect(as(NOBODYS_UID, () => readPlainFile(file, { ...limits })).toString()).toBe('x');
  });
});

describe('a link in the place of a directory is not followed', () => {
  const batch = { signal: 'traces', count: 1, body: Buffer.from('body') } as const;

  test('where telemetry is kept', () => {
    const elsewhere = join(dir, 'elsewhere');
    const name = '0'.repeat(32);
    mkdirSync(join(elsewhere, name), { recursive: true });
    writeFileSync(join(elsewhere, name, '1700000000000-traces-5-aa.otlp'), '');
    mkdirSync(join(dir, 'state'));
    symlinkSync(elsewhere, join(dir, 'state', 'kept'));
    expect(keptFolders(join(dir, 'state'))).toEqual([]);
    expect(() => openKeep(join(dir, 'state'), otlp('http://h'), { serviceName: null, environment: null }).put(batch)).toThrow('is a link');
    expect(readdirSync(elsewhere)).toEqual([name]);
  });

  test('one destination', () => {
    mkdirSync(join(dir, 'kept'));
    mkdirSync(join(dir, 'elsewhere'));
    for (const name of ['.notes.tmp', '1700000000000-traces-5-aa.otlp']) writeFileSync(join(dir, 'elsewhere', name), '');
    symlinkSync(join(dir, 'elsewhere'), join(dir, 'kept', '0'.repeat(32)));
    expect(look(keptFolders(dir)[0]!)).toEqual({ kept: [], bytes: 0 });
    expect(readdirSync(join(dir, 'elsewhere'))).toHaveLength(2);
  });

  test('the local store', async () => {
    const elsewhere = join(dir, 'elsewhere');
    mkdirSync(elsewhere, { mode: 0o755 });
    symlinkSync(elsewhere, join(dir, 'traces'));
    expect(await createStoreExporter({ dir: join(dir, 'traces'), capBytes: 1e6 }).export(batch, never)).toMatchObject({ kind: 'refused', reason: expect.stringContaining('a link') as unknown });
    expect([statSync(elsewhere).mode & 0o777, readdirSync(elsewhere), [...readStore(join(dir, 'traces'))]]).toEqual([0o755, [], []]);
  });
});

test('the local store neither counts nor removes what is not its own', async () => {
  const path = (name: string): string => join(dir, name);
  writeFileSync(path('thesis.requests'), 'years of work');
  writeFileSync(path('000000000000001-1-000000-00000000.requests'), '');
  truncateSync(path('000000000000001-1-000000-00000000.requests'), 1024 ** 4);
  symlinkSync('/proc/kcore', path('000000000000002-1-000000-00000000.requests'));
  const store = createStoreExporter({ dir, capBytes: 1e6 });
  for (let i = 0; i < 3; i++) expect(await store.export({ signal: 'traces', count: 1, body: Buffer.alloc(1000) }, never)).toMatchObject({ kind: 'delivered' });
  expect([...readStore(dir)]).toHaveLength(3);
  expect(existsSync(path('thesis.requests'))).toBe(true);
});

const here = [pidNamespace() ?? 'x', bootId() ?? 'x'].join(' ');
test.each<[string, (path: string) => void]>([
  ['a file', (path) => writeFileSync(path, 'locked')],
  ['a pipe', (path) => execFileSync('mkfifo', [path])],
  ['a link that says nothing', (path) => symlinkSync('elsewhere', path)],
  ['a link that names no process', (path) => symlinkSync(`NaN x ${here}`, path)],
  ['a link that names every process', (path) => symlinkSync(`-1 x ${here}`, path)],
  ['a link that names its own group', (path) => symlinkSync(`0 x ${here}`, path)],
  ['a link that names a path', (path) => symlinkSync(`../tmp/x 5 ${here}`, path)],
])('the lock on sending is had in spite of %s', (_, put) => {
  put(join(dir, 'lock'));
  const lock = openSendLock(join(dir, 'lock'));
  expect(lock.take()).toBe(true);
  lock.release();
  expect(readdirSync(dir)).toEqual([]);
});

test.each<[string, (path: string) => void, RegExp | null]>([
  ['escapes', (path) => writeFileSync(path, '1 span lost: \x1b]0;owned\x07\x1b[2J\n'), /^[^\x00-\x1f\x7f]*\\x1b[^\x00-\x1f\x7f]*$/],
  ['no end', (path) => (writeFileSync(path, 'x'), truncateSync(path, 8 * 1024 ** 3)), /^an earlier run ended with x.{1,20000}$/],
  ['a link', (path) => (writeFileSync(`${path}.secret`, 'secret'), symlinkSync(`${path}.secret`, path)), null],
  ['a folder', (path) => mkdirSync(path), null],
])('last words of %s', (_, put, said) => {
  const file = join(dir, 'words');
  put(file);
  const words = takeLastWords([file]);
  if (said === null) expect(words).toBeNull();
  else expect(words).toMatch(said);
  expect(lstatSync(file, { throwIfNoEntry: false })).toBeUndefined();
});
