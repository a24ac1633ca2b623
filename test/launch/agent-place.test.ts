import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { copyAgent, findAgentPlace } from '../../src/launch/agent-place.ts';
import { NOBODYS_UID, asOrdinaryUser, isRoot } from '../harness/users.ts';

const files = { 'register.js': 'require("./agent.js")', 'agent.js': 'exports.a = 1', 'instrumentations/pg.js': '2' };
const key = '1.2.3-0123456789ab';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'otel-run-agent-'));
  chmodSync(dir, 0o777);
});
afterEach(() => rmSync(dir, { recursive: true }));

/** An agent as it is built, below `place`. */
function install(place: string): string {
  const agent = join(dir, place, 'otel-run', 'dist', 'agent');
  mkdirSync(join(agent, 'instrumentations'), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(agent, file), text);
  const sizes = Object.fromEntries(Object.entries(files).map(([file, text]) => [file, text.length]));
  writeFileSync(join(agent, 'contents.json'), JSON.stringify({ key, files: sizes }));
  return agent;
}

function inProject(): string {
  const agent = install('project/node_modules');
  writeFileSync(join(dir, 'project', 'package.json'), '{}');
  return agent;
}

/** One with a home of its own, of the user that {@link asOrdinaryUser} is. */
function home(): string {
  const made = join(dir, 'home');
  mkdirSync(made);
  if (isRoot) chownSync(made, NOBODYS_UID, NOBODYS_UID);
  return made;
}

const find = (...[agent, env, spare]: Parameters<typeof findAgentPlace>): string => asOrdinaryUser(() => findAgentPlace(agent, env, spare));
const copy = (from: string, to: string): void => asOrdinaryUser(() => copyAgent(from, to));
const whole = (place: string): boolean => Object.entries(files).every(([file, text]) => readFileSync(join(place, file), 'utf8') === text);

describe('the agent', () => {
  it('is loaded from where it is installed, where a run deletes nothing', () => {
    const agent = install('lib/node_modules');
    expect(find(agent, { HOME: home() }, dir)).toBe(agent);
  });

  it('of a project is copied into the cache of the user, and once', () => {
    const [agent, HOME] = [inProject(), home()];
    const place = find(agent, { HOME }, dir);
    expect(place).toBe(join(HOME, '.cache/otel-run', `agent-${key}`));
    expect(existsSync(join(HOME, '.cache'))).toBe(false);
    copy(agent, place);
    expect(whole(place)).toBe(true);
    const { ino } = statSync(join(place, 'agent.js'));
    copy(agent, place);
    expect(statSync(join(place, 'agent.js')).ino).toBe(ino);
    rmSync(join(dir, 'project'), { recursive: true });
    expect(whole(place)).toBe(true);
  });

  it('is where XDG_CACHE_HOME says', () => {
    expect(find(inProject(), { HOME: '/nowhere', XDG_CACHE_HOME: home() }, null)).toBe(join(dir, 'home', 'otel-run', `agent-${key}`));
  });

  it('is repaired where files are missing or cut off', () => {
    const agent = inProject();
    const place = find(agent, { HOME: home() }, null);
    copy(agent, place);
    rmSync(join(place, 'instrumentations'), { recursive: true });
    writeFileSync(join(place, 'register.js'), '');
    copy(agent, place);
    expect(whole(place)).toBe(true);
  });

  it.each<[what: string, env: () => Record<string, string>]>([
    ['no home', () => ({})],
    ['a home that does not exist', () => ({ HOME: '/nonexistent' })],
  ])('%s: is beside the spool, and without one stays where it is', (_, env) => {
    const agent = inProject();
    expect(find(agent, env(), '/dev/shm/otel-run-1')).toBe(`/dev/shm/otel-run-1/agent-${key}`);
    expect(find(agent, env(), null)).toBe(agent);
  });

  it('is not put where others can write', () => {
    const [agent, HOME] = [inProject(), home()];
    const cache = join(HOME, '.cache', 'otel-run');
    asOrdinaryUser(() => mkdirSync(cache, { recursive: true }));
    chmodSync(cache, 0o777);
    expect(find(agent, { HOME }, null)).toBe(agent);
    expect(() => copy(agent, join(cache, `agent-${key}`))).toThrow(/can be written by others/);
  });

  it('leaves no copies of versions that nobody uses', async () => {
    const agent = inProject();
    const place = find(agent, { HOME: home() }, null);
    const [old, used, young] = ['0.1.0-a', '0.1.0-b', '0.1.0-c'].map((name) => join(place, '..', `agent-${name}`)) as [string, string, string];
    asOrdinaryUser(() => [old, used, young].forEach((copied) => mkdirSync(copied, { recursive: true })));
    for (const copied of [old, used]) utimesSync(copied, 1, 1);
    const program = spawn('sleep', ['60'], { env: { NODE_OPTIONS: `--require ${used}/register.js` }, ...(isRoot ? { uid: NOBODYS_UID } : {}) });
    onTestFinished(() => void program.kill());
    await new Promise((resolve) => program.once('spawn', resolve));
    copy(agent, place);
    expect([old, used, young].map((copied) => existsSync(copied))).toEqual([false, true, true]);
  });
});
