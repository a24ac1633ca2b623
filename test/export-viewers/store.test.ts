import { fork } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createStoreExporter, readStore } from '../../src/export/store.ts';
import { decodeSpans } from '../../src/view/decode.ts';
import { traceBatch } from './requests.ts';

let parent: string;
let dir: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'otel-run-store-'));
  dir = join(parent, 'state', 'traces');
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

const never = AbortSignal.timeout(60_000);
const CAP = 256 * 1024;
const store = (capBytes = CAP) => createStoreExporter({ dir, capBytes });
const batch = (name: string, padding = 0) => traceBatch('orders', { trace: 'aa', id: '01', name, padding });
const names = (): string[] => [...readStore(dir)].flatMap(({ body }) => decodeSpans(body)).map(({ name }) => name);
const bytes = (): number => readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
const mode = (path: string): number => statSync(path).mode & 0o777;

test('what is stored can be read, also while it is being written, by its owner alone', async () => {
  const [one, other] = [store(), store()];
  await one.export(batch('a'), never);
  await other.export(batch('b'), never);
  await one.export(batch('c'), never);
  expect(names().sort()).toEqual(['a', 'b', 'c']);
  expect(mode(dir)).toBe(0o700);
  expect(readdirSync(dir).map((name) => mode(join(dir, name)))).toEqual([0o600, 0o600]);
  await one.close();
  await other.close();
});

test('a directory that others could read is closed to them', async () => {
  await store().export(batch('a'), never);
  chmodSync(dir, 0o755);
  await store().export(batch('b'), never);
  expect(mode(dir)).toBe(0o700);
});

test('the bound holds all the time, and the newest are kept', async () => {
  const exporter = store();
  let most = 0;
  for (let i = 0; i < 2000; i++) {
    expect(await exporter.export(batch(`n${i}`, 1000), never)).toEqual({ kind: 'delivered', rejected: 0 });
    if (i % 20 === 0) most = Math.max(most, bytes());
  }
  expect(most).toBeLessThanOrEqual(CAP);
  expect(most).toBeGreaterThan(CAP / 2);
  const kept = names();
  expect(kept.at(-1)).toBe('n1999');
  expect(kept.length).toBeGreaterThan(100);
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, at) => `n${2000 - kept.length + at}`));
});

test('several exporters at once share the bound', async () => {
  const exporters = Array.from({ length: 4 }, () => store());
  for (let i = 0; i < 500; i++) for (const exporter of exporters) await exporter.export(batch(`n${i}`, 1000), never);
  expect(bytes()).toBeLessThanOrEqual(CAP);
  expect(names().filter((name) => name === 'n499')).toHaveLength(4);
});

test('many short runs do not leave a file each for ever', async () => {
  for (let i = 0; i < 600; i++) {
    const exporter = store();
    await exporter.export(batch(`n${i}`), never);
    await exporter.close();
  }
  expect(readdirSync(dir).length).toBeLessThanOrEqual(500);
  expect(names().at(-1)).toBe('n599');
});

test('an exporter whose file was removed begins another', async () => {
  const exporter = store();
  await exporter.export(batch('a'), never);
  for (const name of readdirSync(dir)) rmSync(join(dir, name));
  await exporter.export(batch('b'), never);
  expect(names()).toEqual(['b']);
  rmSync(dir, { recursive: true });
  await exporter.export(batch('c'), never);
  expect(names()).toEqual(['c']);
});

test('a torn end, garbage and strange files are passed over', async () => {
  await store().export(batch('a'), never);
  const [name] = readdirSync(dir);
  appendFileSync(join(dir, name!), Buffer.from('OTR1\x04\x01torn'));
  writeFileSync(join(dir, '000000000000000-1-000000-00000000.requests'), Buffer.alloc(5000, 7));
  writeFileSync(join(dir, 'notes.txt'), 'hello');
  expect(names()).toEqual(['a']);
});

test('what is larger than the store is refused, what cannot be written too', async () => {
  expect(await store(64 * 1024).export(batch('big', 64 * 1024), never)).toMatchObject({ kind: 'too-large' });
  writeFileSync(join(parent, 'state'), 'a file where the directory should be');
  expect(await store().export(batch('a'), never)).toMatchObject({ kind: 'refused', reason: expect.stringMatching(/local store .*(ENOTDIR|EEXIST)/) });
});

test('no store is an empty one', () => expect(names()).toEqual([]));

test('processes that are killed while they write leave nothing that cannot be read', async () => {
  const writer = fileURLToPath(new URL('store-writer.ts', import.meta.url));
  const children = [1, 2].map(() => fork(writer, [dir, String(CAP)], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }));
  await Promise.all(children.map((child) => once(child, 'message')));
  for (let round = 0; round < 20; round++) expect(() => names()).not.toThrow();
  const ends = children.map((child) => once(child, 'exit'));
  for (const child of children) child.kill('SIGKILL');
  expect(await Promise.all(ends)).toEqual([[null, 'SIGKILL'], [null, 'SIGKILL']]);
  expect(names().length).toBeGreaterThan(0);
  expect(bytes()).toBeLessThanOrEqual(CAP);
});
