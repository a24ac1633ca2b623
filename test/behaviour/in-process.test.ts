/** `--require otel-run/register` without the launcher: the same agent, exporting from inside the process. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { startReceiver } from '../harness/receiver.ts';
import { startPlainNode } from '../harness/run.ts';
import { preload } from '../harness/spool.ts';

const scratch = mkdtempSync(join(tmpdir(), 'in-process-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const endings = fileURLToPath(new URL('../fixtures/endings/endings.cjs', import.meta.url));

const run = (ending: string, env: Record<string, string>, cwd = scratch) =>
  startPlainNode({ args: ['--require', preload, endings, ending], env, cwd }).ended;

test.each([['http/protobuf'], ['http/json'], ['grpc']])('a hundred spans arrive by %s', async (protocol) => {
  const receiver = await startReceiver();
  try {
    const result = await run('natural', {
      OTEL_EXPORTER_OTLP_ENDPOINT: protocol === 'grpc' ? receiver.grpcUrl : receiver.httpUrl,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc',
      OTEL_SERVICE_NAME: 'direct',
    });
    expect(result).toMatchObject({ stdout: '', stderr: '', exitCode: 0 });
    expect(receiver.spans).toHaveLength(100);
    expect(receiver.spans[0]?.resource['service.name']).toBe('direct');
    expect(receiver.requests[0]?.headers['authorization']).toBe('Bearer abc');
    expect(receiver.errors).toEqual([]);
  } finally {
    await receiver.close();
  }
});

test('to a unix socket by gRPC, and by HTTP a line that it cannot be', async () => {
  const receiver = await startReceiver();
  const path = join(scratch, 'otel.sock');
  const socket = createServer((client) => {
    const backend = connect(Number(new URL(receiver.grpcUrl).port), '127.0.0.1');
    client.on('error', () => {}).on('close', () => backend.destroy()).pipe(backend);
    backend.on('error', () => {}).on('close', () => client.destroy()).pipe(client);
  });
  await new Promise<void>((resolve) => socket.listen(path, resolve));
  try {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `unix://${path}` };
    expect(await run('natural', { ...env, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toMatchObject({ stderr: '', exitCode: 0 });
    expect(receiver.spans).toHaveLength(100);
    expect(await run('natural', env)).toMatchObject({ stderr: expect.stringMatching(/^otel-run: OTLP over HTTP to a unix socket needs the exporter outside[^\n]*\n$/), exitCode: 0 });
  } finally {
    socket.close();
    await receiver.close();
  }
});

test('settings come from a config file as well', async () => {
  const receiver = await startReceiver();
  try {
    const dir = mkdtempSync(join(scratch, 'project-'));
    writeFileSync(join(dir, 'package.json'), '{"name":"configured","version":"3.2.1"}');
    writeFileSync(join(dir, 'otel-run.config.yaml'), `otlp:\n  endpoint: ${receiver.httpUrl}\nenvironment: staging\n`);
    const result = await run('natural', {}, dir);
    expect(result).toMatchObject({ stderr: '', exitCode: 0 });
    expect(receiver.spans[0]?.resource).toMatchObject({ 'deployment.environment.name': 'staging' });
  } finally {
    await receiver.close();
  }
});

test('what could not be sent is said, and the ending stays', async () => {
  const receiver = await startReceiver();
  try {
    const result = await run('exit-later', { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl });
    expect(result).toMatchObject({ stdout: '', exitCode: 3 });
    expect(result.stderr).toMatch(/^otel-run: up to 100 spans were not sent, [^\n]*\n$/);
  } finally {
    await receiver.close();
  }
});

test('a backend that is not there changes neither output nor code', async () => {
  const result = await run('natural', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_EXPORTER_OTLP_TIMEOUT: '500' });
  expect(result).toMatchObject({ stdout: '', exitCode: 0 });
});

test.each([[{ OTEL_RUN_DISABLED: '1' }], [{ OTEL_SDK_DISABLED: 'true' }]])('%j: nothing happens', async (env) => {
  const receiver = await startReceiver();
  try {
    const result = await run('natural', { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, ...env });
    expect(result).toMatchObject({ stdout: '', stderr: '', exitCode: 0 });
    expect(receiver.requests).toEqual([]);
  } finally {
    await receiver.close();
  }
});

test('an invalid setting is said with its origin', async () => {
  const result = await run('natural', { OTEL_TRACES_EXPORTER: 'none', OTEL_TRACES_SAMPLER: 'allways_on' });
  expect(result.stderr).toMatch(/^otel-run: .*OTEL_TRACES_SAMPLER.*allways_on.*\n$/);
});
