/** Somebody has put into the spool, or the state directory, what blocks, leads away or names another backend: the run is as ever. */
import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { lastWordsFile, traceStoreDir } from '../../src/plan/state-dir.ts';
import { FrameType, Signal, encodeFrame } from '../../src/spool/frame.ts';
import { startReceiver, type Receiver } from '../harness/receiver.ts';
import { otelRun } from '../harness/run.ts';
import { traceBatch } from '../export-viewers/requests.ts';
import { drain, exportersOf, makePlace, node, purge, runNumbered, startNumbered, topologies, until, type Place } from './runs.ts';

let place: Place;
let receiver: Receiver;
let env: Record<string, string>;
let stateDir: string;
beforeEach(async () => {
  place = makePlace();
  receiver = await startReceiver();
  env = { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_EXPORTER_OTLP_HEADERS: 'x-token=our-secret' };
  stateDir = join(place.home, '.local/state/otel-run');
  onTestFinished(async () => {
    await receiver.close();
    place.remove();
  });
});

const fifo = (path: string): unknown => execFileSync('mkfifo', [path]);

/** One of each kind, of names that `name` makes. */
function plantOneOfEach(dir: string, name: (number: number) => string): void {
  const secret = join(place.home, 'private.key');
  writeFileSync(secret, 'private words');
  fifo(join(dir, name(1)));
  symlinkSync(secret, join(dir, name(2)));
  mkdirSync(join(dir, name(3)));
  linkSync(secret, join(dir, name(4)));
  symlinkSync('/dev/zero', join(dir, name(5)));
  writeFileSync(join(dir, name(6)), '');
  truncateSync(join(dir, name(6)), 64 * 1024 ** 3);
}

/** The bytes that every request brought, the credentials that it came with included. */
const received = (from: Receiver): string => JSON.stringify(from.requests);

describe.each(topologies)('in the spool of a run that goes on, %s', (topology) => {
  test('pipes, links, folders: everything is delivered, and the exporter ends', async () => {
    const program = startNumbered([1, 100, 'close'], { ...env, XDG_CACHE_HOME: join(place.home, 'cache') }, topology);
    await program.said('ready');
    await receiver.waitForSpans(100);
    const [run] = place.runs();
    const dir = readdirSync(place.spool, { recursive: true, encoding: 'utf8' }).find((path) => path.endsWith(run!))!;
    const spool = join(place.spool, dir);
    const handOff = existsSync(join(spool, 'hand-off')) ? join(spool, 'hand-off') : spool;
    plantOneOfEach(handOff, (number) => `999999-0-1-${number}.seg`);
    for (const [where, name] of [[spool, 'exporter.json'], [spool, 'exporter.json.new'], [spool, 'notices'], [spool, 'notices.shown'], [handOff, 'notices.shown']] as const) {
      rmSync(join(where, name), { force: true });
      fifo(join(where, name));
    }
    program.kill('SIGTERM');
    expect(await program.ended).toMatchObject({ exitCode: 0, stderr: '' });
    await until(() => exportersOf(place), (pids) => pids.length === 0, 15_000);
    expect([receiver.missing(100), receiver.twice(), received(receiver).includes('private words')]).toEqual([[], [], false]);
  });
});

describe('among what is kept', () => {
  /** Keeps 100 spans; answers the folder of this destination. */
  async function keepSome(): Promise<string> {
    receiver.misbehave({ kind: 'status', status: 503 });
    await runNumbered([1, 100], { ...env, OTEL_RUN_DRAIN_UNREACHED: '200' });
    receiver.behave();
    const [file] = place.kept();
    return join(stateDir, 'kept', dirname(file!));
  }

  test('pipes, links, folders and endless files: what is ours is sent, nothing else', async () => {
    const folder = await keepSome();
    const time = Date.now();
    plantOneOfEach(folder, (number) => `${time}-traces-5-0${number}.otlp`);
    plantOneOfEach(join(stateDir, 'kept'), (number) => String(number).repeat(32));
    expect(await drain(env)).toMatchObject({ stderr: expect.stringContaining('100 spans sent') as unknown });
    expect([receiver.missing(100), receiver.twice(), received(receiver).includes('private words')]).toEqual([[], [], false]);
    expect(readFileSync(join(place.home, 'private.key'), 'utf8')).toBe('private words');
  });

  test('a file that names another backend: that one hears nothing of us, and sees no credentials', async () => {
    const other = await startReceiver();
    onTestFinished(() => other.close());
    const folder = await keepSome();
    const header = { version: 1, endpoint: `${other.httpUrl}/v1/traces`, protocol: 'http/protobuf', service: 'x\x1b]0;owned\x07', environment: null, signal: 'traces', count: 1, time: '' };
    const { body } = traceBatch('planted', { trace: 'aa', id: '01', name: 'planted' });
    const file = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), bytes]);
    writeFileSync(join(folder, `${Date.now()}-traces-1-aa.otlp`), file(body));
    writeFileSync(join(folder, `${Date.now()}-traces-1-bb.otlp`), file(Buffer.from('nonsense')));
    const others = join(stateDir, 'kept', 'e'.repeat(32));
    mkdirSync(others);
    writeFileSync(join(others, `${Date.now()}-traces-1-cc.otlp`), file(body));
    await drain(env);
    await runNumbered([101, 110], env);
    expect([receiver.missing(110), receiver.twice(), other.requests]).toEqual([[], [], []]);
    const { stdout, exitCode } = await purge(env, 'all');
    expect([stdout.includes('\x1b'), stdout.includes(other.httpUrl), exitCode]).toEqual([false, true, 0]);
    expect(other.requests).toEqual([]);
  });

  test('a damaged file that is too large for the backend is not tried for ever', async () => {
    const folder = await keepSome();
    const [file] = readdirSync(folder);
    const bytes = readFileSync(join(folder, file!));
    writeFileSync(join(folder, file!), Buffer.concat([bytes.subarray(0, bytes.indexOf(0x0a) + 1), Buffer.alloc(1000, 0xff)]));
    receiver.misbehave({ kind: 'status', status: 413 });
    expect(await drain(env)).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/100 lost, nothing is left/) as unknown });
    expect(place.kept()).toEqual([]);
  });
});

test('in the local store: otel-run traces shows what is ours', async () => {
  const store = traceStoreDir(stateDir);
  mkdirSync(store, { recursive: true, mode: 0o700 });
  plantOneOfEach(store, (number) => `00000000000000${number}-1-000000-00000000.requests`);
  const frame = (payload: Uint8Array, count = 1): Buffer => encodeFrame({ type: FrameType.items, signal: Signal.traces, count, payload });
  const { body } = traceBatch('orders', { trace: 'aa', id: '01', name: 'our own\x1b[2J' });
  writeFileSync(join(store, '000000000000007-1-000000-00000000.requests'), Buffer.concat([frame(Buffer.from('nonsense')), frame(Buffer.alloc(100, 0xff), 2 ** 32 - 1), frame(body)]));
  const list = await otelRun({ node, args: ['traces'], env: place.env });
  expect([list.exitCode, list.stderr, list.stdout]).toEqual([0, '', expect.stringContaining('our own\\x1b[2J')]);
  const tree = await otelRun({ node, args: ['traces', 'last', '--json'], env: place.env });
  expect([tree.exitCode, (JSON.parse(tree.stdout) as { spans: unknown[] }).spans]).toEqual([0, [expect.objectContaining({ name: 'our own\x1b[2J' })]]);
});

test.each([
  ['a pipe', fifo],
  ['a folder', (path: string) => mkdirSync(path)],
  ['a link to what never ends', (path: string) => symlinkSync('/dev/zero', path)],
])('%s for last words: the application starts, and the next one too', async (_, put) => {
  const file = lastWordsFile(stateDir, `${receiver.httpUrl}/v1/traces`);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  put(file);
  for (const first of [1, 11]) {
    const { exitCode, stderr } = await runNumbered([first, first + 9], env, 'replace');
    expect([exitCode, stderr]).toEqual([0, '']);
  }
  await receiver.waitForSpans(20);
  await until(() => exportersOf(place), (pids) => pids.length === 0, 15_000);
});

test.each([
  ['a file', (path: string) => writeFileSync(path, '')],
  ['a pipe', fifo],
  ['a link to itself', (path: string) => symlinkSync(path, path)],
])('%s for a state directory: the application runs, and what is lost is counted', async (_, put) => {
  const dir = mkdtempSync(join(tmpdir(), 'planted-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  put(join(dir, 'state'));
  receiver.misbehave({ kind: 'status', status: 503 });
  const { exitCode, stderr } = await runNumbered([1, 10], { ...env, OTEL_RUN_STATE_DIR: join(dir, 'state'), OTEL_RUN_DRAIN_UNREACHED: '200' });
  expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/^otel-run: 10 spans for \S+ lost: .*; not kept: \S+ cannot be (?:made|written) \(E\w+\).*\n$/)]);
});

test('a state directory that cannot be made: what nobody heard of the first run is said by the next one', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'planted-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, 'file'), '');
  receiver.misbehave({ kind: 'status', status: 503 });
  const own = { ...env, OTEL_RUN_STATE_DIR: join(dir, 'file', 'state') };
  expect(await runNumbered([1, 10], own, 'replace')).toMatchObject({ exitCode: 0, stderr: '' });
  await until(() => exportersOf(place), (pids) => pids.length === 0, 15_000);
  receiver.behave();
  const { exitCode, stderr } = await runNumbered([11, 20], own, 'replace');
  expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/^otel-run: an earlier run ended with 10 spans for \S+ lost: .*; not kept: \S+ cannot be made \(ENOTDIR\): name a folder in OTEL_RUN_STATE_DIR\n$/)]);
  await until(() => exportersOf(place), (pids) => pids.length === 0, 15_000);
});
