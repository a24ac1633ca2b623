/** Runs of an application that numbers its spans, and what became of each: by the receiver, and by our own words. */
import { chmodSync, copyFileSync, cpSync, linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import { startReceiver } from '../harness/receiver.ts';
import { launcher, startPlainNode, type RunResult } from '../harness/run.ts';

export interface Play {
  readonly node: string;
  /** Words in front of otel-run, such as `prlimit --nofile=64`. */
  readonly around?: readonly string[];
  /** Words between otel-run and the application's node. */
  readonly inside?: readonly string[];
  readonly topology?: 'replace' | 'parent';
  readonly last: number;
  readonly what?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where the command line and the application are; default: this package. */
  readonly launcher?: string;
  readonly app?: string;
  /** The application goes on with its second half when its first half has arrived. */
  readonly halfFirst?: boolean;
  /** Nobody listens. */
  readonly noBackend?: boolean;
}

export interface Played {
  readonly result: RunResult;
  readonly delivered: number;
  /** Numbers of the spans that did not arrive. */
  readonly missing: number;
  readonly twice: number;
  /** Spans that lines on stderr say were lost, */
  readonly told: number;
  /** or are kept. */
  readonly kept: number;
}

export const app = fileURLToPath(new URL('../fixtures/spool-trouble/play.cjs', import.meta.url));

const state = mkdtempSync(join(tmpdir(), 'otel-run-state-'));
afterAll(() => rmSync(state, { recursive: true, force: true }));
let arrivals = 0;

export async function play({ node, around = [], inside = [], topology = 'parent', last, what = [], env, noBackend, halfFirst, ...places }: Play): Promise<Played> {
  const receiver = await startReceiver();
  try {
    const url = noBackend === true ? 'http://127.0.0.1:9' : receiver.httpUrl;
    const arrived = join(state, `arrived-${arrivals++}`);
    if (halfFirst === true) void receiver.waitForSpans(last / 2, 15_000).then(() => writeFileSync(arrived, ''), () => {});
    const ours = { REST_WHEN: halfFirst === true ? arrived : undefined, XDG_STATE_HOME: state, OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_RUN_WAIT: String(topology === 'parent'), ...(noBackend === true ? { OTEL_RUN_DRAIN_UNREACHED: '1' } : {}), ...env };
    const result = await run([...around, node, places.launcher ?? launcher, ...inside, node, places.app ?? app, String(last), ...what], ours);
    const told = sum(result.stderr, /(\d+) spans (?:for \S+ lost|\()/g);
    const kept = sum(result.stderr, /(\d+) spans for \S+ kept/g);
    // The exporter of a launcher that became the application ends behind it.
    if (topology === 'replace') await receiver.waitForSpans((spans) => spans.length >= last - told - kept).catch(() => {});
    return { result, delivered: receiver.spans.length, missing: receiver.missing(last).length, twice: receiver.twice().length, told, kept };
  } finally {
    await receiver.close();
  }
}

/** The same under plain node. */
export function playPlain({ node, around = [], inside = [], last, what = [], env, app: place = app }: Play): Promise<RunResult> {
  return run([...around, ...inside, node, place, String(last), ...what], env);
}

/** Everything arrived once, or is counted; nobody was disturbed. */
export function expectAccounted({ result, delivered, missing, twice, told, kept }: Played, last: number): void {
  const { stderr } = result;
  expect({ delivered, twice, missing, stderr }).toEqual({ delivered: last - told - kept, twice: 0, missing: told + kept, stderr });
  expect(stderr.replace(/^otel-run: .*\n/gm, '')).toBe('');
}

export function expectAll(played: Played, last: number): void {
  expectAccounted(played, last);
  expect({ told: played.told, stderr: played.result.stderr }).toEqual({ told: 0, stderr: '' });
}

/** A place that every user can read, with Node, the command line and the application: a home of root is none. */
export function publicPlace(nodes: readonly string[]): { readonly dir: string; readonly nodes: readonly string[]; readonly launcher: string; readonly app: string } {
  const dir = mkdtempSync(join(tmpdir(), 'otel-run-public-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  chmodSync(dir, 0o755);
  const copies = nodes.map((node, number) => {
    const copy = join(dir, `node-${number}`, 'node');
    mkdirSync(dirname(copy));
    linkOrCopy(node, copy);
    return copy;
  });
  copyFileSync(app, join(dir, 'play.cjs'));
  return { dir, nodes: copies, launcher: installBelow(join(dir, 'lib')), app: join(dir, 'play.cjs') };
}

/** Installs otel-run in `node_modules` of a directory. */
export function installBelow(dir: string): string {
  const root = dirname(dirname(launcher));
  const installed = join(dir, 'node_modules', 'otel-run');
  for (const part of ['bin', 'dist', 'package.json']) cpSync(join(root, part), join(installed, part), { recursive: true });
  return join(installed, 'bin', 'otel-run.js');
}

function run([program, ...args]: readonly string[], env: Play['env']): Promise<RunResult> {
  return startPlainNode({ node: program!, args, env }).ended;
}

function sum(text: string, count: RegExp): number {
  return [...text.matchAll(count)].reduce((all, [, found]) => all + Number(found), 0);
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
