import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanEnv, launcher } from '../harness/run.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'otel-run-channels-'));
  writeFileSync(
    join(dir, 'echo.js'),
    `process.on('message', (message, handle) => {
       if (message === 'leave') return process.disconnect();
       if (handle) return handle.end('from the application'), process.send('handled');
       process.send({ back: message });
     });
     process.on('disconnect', () => console.log('disconnected'));
     process.send('ready');`,
  );
});
afterAll(() => rmSync(dir, { recursive: true }));

// Replace is asked for: the channel itself must keep us from it.
const env = cleanEnv({ OTEL_RUN_WAIT: 'false' });

function forkEcho(serialization: 'json' | 'advanced'): ChildProcess {
  return fork(launcher, ['node', join(dir, 'echo.js')], { env, serialization, stdio: ['ignore', 'pipe', 'inherit', 'ipc'], execArgv: [] });
}

async function nextMessage(child: ChildProcess): Promise<unknown> {
  const [message] = (await once(child, 'message')) as [unknown];
  return message;
}

describe('the IPC channel of fork()', () => {
  it.each<['json' | 'advanced', unknown]>([
    ['json', { text: 'x', list: [1, null] }],
    ['advanced', { map: new Map([['a', new Date(0)]]), big: 1n, bytes: new Uint8Array([1, 2]) }],
  ])('carries %s messages both ways, also one sent before the application listens', async (serialization, message) => {
    const child = forkEcho(serialization);
    child.send('early' as never);
    expect([await nextMessage(child), await nextMessage(child)].sort()).toEqual([{ back: 'early' }, 'ready'].sort());
    child.send(message as never);
    expect(await nextMessage(child)).toEqual({ back: message });
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('carries sockets', async () => {
    const child = forkEcho('json');
    expect(await nextMessage(child)).toBe('ready');
    const server = createServer({ pauseOnConnect: true }, (socket) => child.send('take', socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    let received = '';
    client.setEncoding('utf8').on('data', (text) => (received += text));
    await once(client, 'end');
    expect(received).toBe('from the application');
    server.close();
    child.disconnect();
    await once(child, 'exit');
  });

  it('ends at both ends when the application closes it', async () => {
    const child = forkEcho('json');
    let said = '';
    child.stdout!.setEncoding('utf8').on('data', (text) => (said += text));
    expect(await nextMessage(child)).toBe('ready');
    child.send('leave');
    await Promise.all([once(child, 'disconnect'), once(child, 'exit')]);
    expect(said).toBe('disconnected\n');
  });
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
