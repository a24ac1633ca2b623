/** Values planted in all that an application does: none in any byte that otel-run sends, writes, keeps, prints or hands on. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { ensureLibraries } from '../../scripts/setup/libraries.mjs';
import { AGENT_PLAN_VARIABLE } from '../../src/plan/types.ts';
import { startReceiver, type Receiver } from '../harness/receiver.ts';
import { otelRun, plainNode, startOtelRun, type RunResult } from '../harness/run.ts';
import { agentPlan, preload, readSpool } from '../harness/spool.ts';
import { describeWithServices, type Servers } from '../services/index.ts';

const { plants, witnessed, ownSettings } = createRequire(import.meta.url)('../fixtures/secrets/plants.cjs') as {
  plants: Readonly<Record<string, string>>;
  witnessed: readonly string[];
  ownSettings: string;
};
const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/secrets/${name}`, import.meta.url));
const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
const play = fixture('play.cjs');
const argv = [`--api-key=${plants.argvEquals!}`, '--password', plants.argvNext!];
const ALL = 'web,application,errors,graphql,mysql,mongo,postgres,redis,kafka,aws';
const LOCAL = 'web,application,errors,graphql,mysql,mongo';
/** What the backend wants to see, and nobody else. */
const CREDENTIAL = 'plantcredentialzq';

beforeAll(async () => {
  await ensureLibraries();
  await ensureApps(['main']);
}, 300_000);

describeWithServices('planted secrets', ['postgres', 'redis', 'kafka', 'moto'], (servers) => {
  test('the control: all travel with the stock SDK, or the application has them', { timeout: 90_000 }, async () => {
    const place = makePlace();
    const receiver = await openReceiver();
    const result = await plainNode({ args: ['--require', fixture('stock.cjs'), play, ...argv], env: { ...environment(servers, place, ALL), OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl }, timeoutMs: 60_000 });
    expect(result.exitCode, result.stderr).toBe(0);
    const sent = bodies(receiver);
    const [missing, held] = [without(sent), readFileSync(place.witness, 'utf8')];
    expect(missing).toEqual(expect.arrayContaining([...witnessed]));
    expect(missing.filter((name) => !witnessed.includes(name))).toEqual([]);
    expect(without(held).filter((name) => witnessed.includes(name))).toEqual([]);
    expect(Object.keys(plants).length).toBeGreaterThanOrEqual(50);
  });

  test.each(['replace', 'parent'] as const)('none is received by HTTP, gzipped, in the topology %s', { timeout: 90_000 }, async (topology) => {
    const place = makePlace();
    const receiver = await openReceiver();
    const env = { ...environment(servers, place, topology === 'replace' ? ALL : LOCAL), OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' };
    const result = await otelRun({ topology, args: ['--config', place.config, process.execPath, play, ...argv], env, timeoutMs: 60_000 });
    expectClean(result);
    await receiver.waitForSpans((spans) => spans.some(({ name }) => name === 'failing'));
    await receiver.waitForRequests((requests) => requests.length > 0 && requests.every(({ gzip }) => gzip));
    expect(present(bodies(receiver))).toEqual([]);
    expect(receiver.spans.some(({ attributes }) => attributes['user.password'] === 'REDACTED')).toBe(true);
  });

  test('none is received by gRPC, printed by --print --verbose, or handed on by environment or command line', { timeout: 90_000 }, async () => {
    const place = makePlace();
    const receiver = await openReceiver();
    const env = { ...environment(servers, place, LOCAL), OTEL_EXPORTER_OTLP_ENDPOINT: receiver.grpcUrl, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
    const result = await otelRun({ args: ['--config', place.config, '--print', '--verbose', process.execPath, play, ...argv], env, timeoutMs: 60_000 });
    expect(present(bodies(receiver))).toEqual([]);
    expect(result.stderr).toContain('failing');
    expectClean(result);
  });

  test('none stands in the environment or command line of a process of otel-run; the credentials not in the application\'s', { timeout: 60_000 }, async () => {
    const place = makePlace();
    const receiver = await openReceiver();
    // Outside of this checkout, whose manifest says that it sends telemetry by itself.
    const script = join(place.dir, 'stay.cjs');
    copyFileSync(fixture('stay.cjs'), script);
    for (const topology of ['replace', 'parent'] as const) {
      const env = { ...environment(servers, place, 'application'), API: createRequire(import.meta.url).resolve('@opentelemetry/api'), OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl };
      const running = startOtelRun({ topology, args: ['--config', place.config, process.execPath, script, ...argv], env, cwd: place.dir, timeoutMs: 30_000 });
      await running.said('stays');
      await receiver.waitForSpans(1);
      const processes = family(place.dir, dist);
      const isApplication = (one: Seen): boolean => one.command.includes('stay.cjs') && !one.command.includes('bin/otel-run.js');
      const application = processes.filter(isApplication);
      expect(application).toHaveLength(1);
      expect(application[0]!.environment).not.toContain(CREDENTIAL);
      expect(application[0]!.environment).toContain(plants.environment);
      // A launcher that waits is the process that the user started, with the words and variables that the user gave.
      const helpers = processes.filter((one) => !isApplication(one) && one.pid !== running.pid);
      if (topology === 'replace') expect(helpers.length).toBeGreaterThan(0);
      for (const { command, environment: variables } of helpers) expect(present(`${command}\n${variables}`)).toEqual([]);
      writeFileSync(join(place.dir, 'go'), '');
      expectClean(await running.ended);
      rmSync(join(place.dir, 'go'));
      receiver.clear();
    }
  });

  test('none is written into the spool', { timeout: 90_000 }, async () => {
    const place = makePlace();
    const dir = join(place.dir, 'spool');
    mkdirSync(dir);
    const options = { http: { headersToSpanAttributes: { client: captured, server: captured } } };
    const plan = agentPlan(dir, {
      redact: { names: ['customer_no'], attributes: ['app.private.*'], patterns: ['\\bCUST-\\w+'], keep: [] },
      instrumentations: { only: null, disabled: [], options, expressLayers: 'none' },
      resource: { 'db.password': plants.resource! },
    });
    const env = { ...environment(servers, place, ALL), NODE_OPTIONS: `--require=${preload}`, [AGENT_PLAN_VARIABLE]: JSON.stringify(plan) };
    expectClean(await plainNode({ args: [play, ...argv], env, timeoutMs: 60_000 }));
    expect(readSpool(dir).spans.length).toBeGreaterThan(30);
    expect(present(contents(dir))).toEqual([]);
  });

  test('none is kept where the backend is down, or said about it', { timeout: 90_000 }, async () => {
    const place = makePlace();
    const env = { ...environment(servers, place, LOCAL), OTEL_EXPORTER_OTLP_ENDPOINT: `http://u:${plants.userinfo!}@127.0.0.1:9/?token=${plants.queryToken!}` };
    expectClean(await otelRun({ topology: 'parent', args: ['--config', place.config, process.execPath, play, ...argv], env, timeoutMs: 60_000 }));
    const kept = contents(place.state);
    expect(kept).toContain('failing');
    expect(present(kept)).toEqual([]);
  });

  test.each(['--dry-run', '--dry-run --json', '--verbose'])('none of the credentials of the backend is printed by %s', async (flags) => {
    const place = makePlace();
    const env = { ...environment(servers, place, 'application'), OTEL_EXPORTER_OTLP_ENDPOINT: `http://u:${plants.userinfo!}@127.0.0.1:9/?token=${plants.queryToken!}` };
    // The command and its arguments are shown as they were typed.
    const { stdout, stderr } = await otelRun({ topology: 'parent', args: ['--config', place.config, ...flags.split(' '), process.execPath, play], env });
    expect(present(`${stdout}\n${stderr}`)).toEqual([]);
  });
});

const captured = { requestHeaders: ['authorization', 'cookie', 'x-api-key', 'proxy-authorization', 'referer'], responseHeaders: ['set-cookie', 'location', 'x-auth-token'] };

interface Place {
  readonly dir: string;
  readonly config: string;
  readonly state: string;
  readonly witness: string;
}

function makePlace(): Place {
  const dir = mkdtempSync(join(tmpdir(), 'otel-run-secrets-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const config = join(dir, 'otel-run.config.yaml');
  writeFileSync(config, ownSettings);
  return { dir, config, state: join(dir, 'state'), witness: join(dir, 'witness') };
}

async function openReceiver(): Promise<Receiver> {
  const receiver = await startReceiver();
  onTestFinished(() => receiver.close());
  return receiver;
}

function environment(servers: Servers<'postgres' | 'redis' | 'kafka' | 'moto'>, place: Place, parts: string): Record<string, string> {
  return {
    PARTS: parts,
    WITNESS: place.witness,
    APP_SECRET: plants.environment!,
    OTEL_RESOURCE_ATTRIBUTES: `db.password=${plants.resource!}`,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${CREDENTIAL}`,
    OTEL_RUN_STATE_DIR: place.state,
    DATABASE_URL: servers.postgres.url.replace('test@', `test:${plants.sqlPassword!}@`),
    REDIS_URL: servers.redis.url,
    KAFKA_BROKERS: servers.kafka.brokers.join(','),
    KAFKAJS_NO_PARTITIONER_WARNING: '1',
    AWS_ENDPOINT: servers.moto.endpoint,
  };
}

function expectClean({ exitCode, stdout, stderr }: RunResult): void {
  expect({ exitCode, found: present(`${stdout}\n${stderr}`) }, stderr).toEqual({ exitCode: 0, found: [] });
}

function bodies(receiver: Receiver): string {
  expect(receiver.errors).toEqual([]);
  return receiver.requests.map(({ body }) => body.toString('latin1')).join('\n');
}

/** The plants in a text, with what stands around them. */
function present(text: string): string[] {
  const all = { ...plants, credential: CREDENTIAL };
  return Object.entries(all).flatMap(([name, value]) => {
    const at = text.search(new RegExp(value, 'i'));
    return at < 0 ? [] : [`${name}: ${JSON.stringify(text.slice(Math.max(0, at - 60), at + value.length + 20))}`];
  });
}

function without(text: string): string[] {
  return Object.keys(plants).filter((name) => !text.includes(plants[name]!));
}

/** The bytes, and the names, of all files below. */
function contents(dir: string): string {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((name) => join(dir, name))
    .map((path) => (statSync(path).isFile() ? `${path}\n${readFileSync(path, 'latin1')}` : path))
    .join('\n');
}

interface Seen {
  readonly pid: number;
  readonly command: string;
  readonly environment: string;
}

/** Processes that say one of these in their command lines. */
function family(...marks: readonly string[]): Seen[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name): Seen[] => {
      try {
        const [command, variables] = [readFileSync(`/proc/${name}/cmdline`, 'latin1'), readFileSync(`/proc/${name}/environ`, 'latin1')];
        return marks.some((mark) => command.includes(mark)) ? [{ pid: Number(name), command: command.replaceAll('\0', ' '), environment: variables }] : [];
      } catch {
        return []; // it has ended, or is another user's
      }
    });
}
