import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { copyProgram, findProgramPlace } from '../../src/launch/program-place.ts';
import { NOBODYS_UID, asOrdinaryUser, isRoot } from '../harness/users.ts';

const files = { 'agent/register.js': 'require("./agent.js")', 'agent/agent.js': 'exports.a = 1', 'agent/instrumentations/pg.js': '2', 'exporter.js': '3' };
const key = '1.2.3-0123456789ab';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'otel-run-agent-'));
  chmodSync(dir, 0o1777);
});
afterEach(() => rmSync(dir, { recursive: true }));

/** What is built, below `place`. */
function install(place: string): string {
  const dist = join(dir, place, 'otel-run', 'dist');
  mkdirSync(join(dist, 'agent', 'instrumentations'), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(dist, file), text);
  const sizes = Object.fromEntries(Object.entries(files).map(([file, text]) => [file, text.length]));
  writeFileSync(join(dist, 'contents.json'), JSON.stringify({ key, files: sizes }));
  return dist;
}

function inProject(): string {
  const dist = install('project/node_modules');
  writeFileSync(join(dir, 'project', 'package.json'), '{}');
  return dist;
}

/** One with a home of its own, of the user that {@link asOrdinaryUser} is. */
function home(): string {
  const made = join(dir, 'home');
  mkdirSync(made);
  if (isRoot) chownSync(made, NOBODYS_UID, NOBODYS_UID);
  return made;
}

const find = (...[dist, env, spare]: Parameters<typeof findProgramPlace>): string => asOrdinaryUser(() => findProgramPlace(dist, env, spare));
const copy = (from: string, to: string): void => asOrdinaryUser(() => copyProgram(from, to));
const whole = (place: string): boolean => Object.entries(files).every(([file, text]) => readFileSync(join(place, file), 'utf8') === text);

describe('what is loaded', () => {
  it('is what is installed, where a run deletes nothing', () => {
    const dist = install('lib/node_modules');
    expect(find(dist, { HOME: home() }, dir)).toBe(dist);
  });

  it('is not copied where somebody else could put a directory of his own in its place', () => {
    const dist = inProject();
    const HOME = home();
    chmodSync(dir, 0o777);
    expect(find(dist, { HOME }, null)).toBe(dist);
    chmodSync(dir, 0o1777);
    expect(find(dist, { HOME }, null)).toBe(join(HOME, '.cache/otel-run', key));
  });

  it('of a project is copied into the cache of the user, and once', () => {
    const [dist, HOME] = [inProject(), home()];
    const place = find(dist, { HOME }, dir);
    expect(place).toBe(join(HOME, '.cache/otel-run', key));
    expect(existsSync(join(HOME, '.cache'))).toBe(false);
    copy(dist, place);
    expect(whole(place)).toBe(true);
    const { ino } = statSync(join(place, 'agent/agent.js'));
    copy(dist, place);
    expect(statSync(join(place, 'agent/agent.js')).ino).toBe(ino);
    rmSync(join(dir, 'project'), { recursive: true });
    expect(whole(place)).toBe(true);
  });

  it('is where XDG_CACHE_HOME says', () => {
    expect(find(inProject(), { HOME: '/nowhere', XDG_CACHE_HOME: home() }, null)).toBe(join(dir, 'home', 'otel-run', key));
  });

  it('is repaired where files are missing or cut off', () => {
    const dist = inProject();
    const place = find(dist, { HOME: home() }, null);
    copy(dist, place);
    rmSync(join(place, 'agent', 'instrumentations'), { recursive: true });
    writeFileSync(join(place, 'agent/register.js'), '');
    copy(dist, place);
    expect(whole(place)).toBe(true);
  });

  it.each<[what: string, env: () => Record<string, string>]>([
    ['no home', () => ({})],
    ['a home that does not exist', () => ({ HOME: '/nonexistent' })],
  ])('%s: is beside the spool, and without one stays where it is', (_, env) => {
    const dist = inProject();
    expect(find(dist, env(), '/dev/shm/otel-run-1')).toBe(`/dev/shm/otel-run-1/${key}`);
    expect(find(dist, env(), null)).toBe(dist);
  });

  it('is not put where others can write', () => {
    const [dist, HOME] = [inProject(), home()];
    const cache = join(HOME, '.cache', 'otel-run');
    asOrdinaryUser(() => mkdirSync(cache, { recursive: true }));
    chmodSync(cache, 0o777);
    expect(find(dist, { HOME }, null)).toBe(dist);
    expect(() => copy(dist, join(cache, key))).toThrow(/can be written by others/);
  });

  it('leaves no copies of versions that nobody uses', async () => {
    const dist = inProject();
    const place = find(dist, { HOME: home() }, null);
    const [old, used, young] = ['0.1.0-a', '0.1.0-b', '0.1.0-c'].map((name) => join(place, '..', name)) as [string, string, string];
    asOrdinaryUser(() => [old, used, young].forEach((copied) => mkdirSync(copied, { recursive: true })));
    for (const copied of [old, used]) utimesSync(copied, 1, 1);
    const program = spawn('sleep', ['60'], { env: { NODE_OPTIONS: `--require ${used}/agent/register.js` }, ...(isRoot ? { uid: NOBODYS_UID } : {}) });
    onTestFinished(() => void program.kill());
    await new Promise((resolve) => program.once('spawn', resolve));
    copy(dist, place);
    expect([old, used, young].map((copied) => existsSync(copied))).toEqual([false, true, true]);
  });
});
