import { execa } from 'execa';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import { cleanEnv, launcher } from '../harness/run.ts';

// Replace is asked for: the channel itself must keep us from it.
const wishes = { OTEL_RUN_WAIT: 'false', OTEL_RUN_DRAIN_UNREACHED: '1' };
const env = cleanEnv(wishes);
const forks = fileURLToPath(new URL('../fixtures/launch/forks.cjs', import.meta.url));

/** What a parent sees that forks an application, by itself or through otel-run: lines, in whichever order things end. */
async function play(scene: string, node: string, through: readonly string[]): Promise<object> {
  const { stdout, stderr, exitCode, timedOut } = await execa(node, [forks, scene, ...through], {
    env: cleanEnv(wishes, node),
    extendEnv: false,
    reject: false,
    timeout: 25_000,
  });
  return { lines: stdout.split('\n').sort(), stderr, exitCode, timedOut };
}

async function expectSame(scene: string, node: string): Promise<void> {
  const [ours, plain] = await Promise.all([play(scene, node, [launcher]), play(scene, node, [])]);
  expect(plain).toMatchObject({ stderr: '', exitCode: 0, timedOut: false });
  expect(ours).toEqual(plain);
}

describe('the IPC channel of fork() is as without otel-run', () => {
  it.each([
    ['messages in JSON, both ways, in order, also one sent before the application listens', 'json'],
    ['messages in advanced serialization', 'advanced'],
    ['the callback of send(); the parent disconnects', 'left'],
    ['all that an application had sent when it ended has come', 'ending'],
    ['a parent that does not read slows the application down', 'pressure'],
    ['a server waits for the connections that it has given away', 'held'],
    ['servers', 'server'],
    ['datagram sockets', 'datagrams'],
    ['a socket from the application to the parent', 'upwards'],
    ['through a shell', 'shell'],
  ])('%s', (_, scene) => expectSame(scene, process.execPath));

  // What Node itself says on the channel is not documented, so it is looked at on every line.
  it.each(
    ['node20min', 'node22', 'node26'].flatMap((name) => [
      [name, 'sockets, twenty at once', 'sockets'],
      [name, 'a worker of cluster, connections from the primary', 'roundRobin'],
      [name, 'a worker of cluster, a shared socket', 'shared'],
    ]),
  )('%s: %s', (name, _, scene) => expectSame(scene!, nodes[name!]!));
});

describe('inherited descriptors above 2', () => {
  it('keep their numbers, and what is not inherited stays closed', async () => {
    const code = `const fs = require('node:fs');
      fs.writeSync(9, 'nine'); fs.writeSync(5, 'five');
      let closed = false; try { fs.fstatSync(7) } catch { closed = true }
      console.log(closed ? 'seven is not ours' : fs.readlinkSync('/proc/self/fd/7'))`;
    const stdio: ('ignore' | 'pipe' | 'inherit')[] = ['ignore', 'pipe', 'inherit', 'ignore', 'ignore', 'pipe', 'ignore', 'ignore', 'ignore', 'pipe'];
    const child = spawn(process.execPath, [launcher, 'node', '-e', code], { env, stdio });
    const read = async (fd: number): Promise<string> => {
      let text = '';
      for await (const chunk of child.stdio[fd] as AsyncIterable<Buffer>) text += chunk.toString();
      return text;
    };
    const [out, five, nine, [exitCode]] = await Promise.all([read(1), read(5), read(9), once(child, 'exit')]);
    expect({ five, nine, exitCode }).toEqual({ five: 'five', nine: 'nine', exitCode: 0 });
    expect(out).not.toMatch(/socket|\/tmp/);
  });

  it('one far above is the application\'s alone: whoever reads it sees the end with the application', async () => {
    const stdio = Array.from({ length: 41 }, (_, fd) => (fd === 40 ? 'pipe' : 'ignore') as 'pipe' | 'ignore');
    const child = spawn(process.execPath, [launcher, 'node', '-e', 'require("node:fs").writeSync(40, "forty")'], { env, stdio });
    let text = '';
    for await (const chunk of (child.stdio as unknown[])[40] as AsyncIterable<Buffer>) text += chunk.toString();
    expect(text).toBe('forty');
  });
});
