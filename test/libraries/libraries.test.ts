import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureLibraries } from '../../scripts/setup/libraries.mjs';
import { AGENT_PLAN_VARIABLE } from '../../src/plan/types.ts';
import { nodes } from '../harness/nodes.ts';
import { cleanEnv } from '../harness/run.ts';
import { agentPlan, preload } from '../harness/spool.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = join(root, 'test/libraries');

/** What is installed here, and the instrumentation that must have been constructed for it. */
const libraries: Readonly<Record<string, string>> = {
  '@aws-sdk/client-s3': 'aws-sdk',
  '@cucumber/cucumber': 'cucumber',
  '@grpc/grpc-js': 'grpc',
  '@hapi/hapi': 'hapi',
  '@nestjs/core': 'nestjs-core',
  amqplib: 'amqplib',
  bunyan: 'bunyan',
  'cassandra-driver': 'cassandra-driver',
  connect: 'connect',
  dataloader: 'dataloader',
  express: 'express',
  'generic-pool': 'generic-pool',
  graphql: 'graphql',
  ioredis: 'ioredis',
  kafkajs: 'kafkajs',
  knex: 'knex',
  koa: 'koa',
  'lru-memoizer': 'lru-memoizer',
  memcached: 'memcached',
  mongodb: 'mongodb',
  mongoose: 'mongoose',
  mysql: 'mysql',
  mysql2: 'mysql2',
  openai: 'openai',
  oracledb: 'oracledb',
  pg: 'pg',
  'pg-pool': 'pg',
  pino: 'pino',
  redis: 'redis',
  restify: 'restify',
  router: 'router',
  'socket.io': 'socket.io',
  tedious: 'tedious',
  winston: 'winston',
};

/** Instrumentations without a library: of Node itself, of its metrics, of a function's handler. */
const withoutLibrary = ['aws-lambda', 'dns', 'fs', 'host-metrics', 'http', 'net', 'runtime-node', 'undici'];

interface Loaded {
  readonly constructed: readonly string[];
  readonly patched: readonly { readonly module: string; readonly version: string; readonly instrumentation: string; readonly files: readonly string[] }[];
  readonly wrapped: readonly string[];
}

const spool = mkdtempSync(join(tmpdir(), 'otel-run-libraries-'));
afterAll(() => rmSync(spool, { recursive: true, force: true }));
beforeAll(ensureLibraries, 300_000);

describe('every library that an instrumentation patches is patched when it loads', () => {
  it.each(Object.entries(libraries))('%s', { timeout: 60_000 }, async (library, instrumentation) => {
    const [required, imported] = await Promise.all([load('require', library), load('import', library)]);
    for (const { constructed, patched, wrapped } of [required, imported]) {
      expect(constructed).toContain(instrumentation);
      expect(patched.filter((one) => one.instrumentation === instrumentation && one.files.length > 0)).not.toEqual([]);
      expect(wrapped).not.toEqual([]);
    }
    expect(imported.wrapped.length).toBe(required.wrapped.length);
  });
});

/** The one library of the table that ships ES modules of its own: through synchronous or asynchronous import hooks. */
it.each(Object.entries(nodes))('openai as an ES module on %s', async (_, node) => {
  const { wrapped, patched } = await load('import', 'openai', node);
  expect(patched).toMatchObject([{ instrumentation: 'openai', files: ['index.mjs'] }]);
  expect(wrapped).not.toEqual([]);
});

it('constructs nothing but what has no library to wait for', async () => {
  const script = "console.log(globalThis[Symbol.for('otel-run.instrumentations')]().constructed.join())";
  const { stdout } = await promisify(execFile)(process.execPath, ['--require', preload, '--eval', script], { env: environment() });
  expect(stdout).toBe('undici\n');
});

it('knows of every instrumentation in the table where it is tested', () => {
  const table = readFileSync(join(root, 'docs/instrumentations.md'), 'utf8');
  const names = [...table.matchAll(/^\| `([\w.-]+)` \|/gm)].map(([, name]) => name);
  expect(names.sort()).toEqual([...new Set([...Object.values(libraries), ...withoutLibrary])].sort());
});

it('has a table that is up to date', async () => {
  await promisify(execFile)(process.execPath, [join(root, 'scripts/build/instrumentation-table.mjs'), '--check']);
});

async function load(kind: 'require' | 'import', library: string, node = process.execPath): Promise<Loaded> {
  const args = ['--require', preload, join(here, 'load.mjs'), kind, library];
  const { stdout, stderr } = await promisify(execFile)(node, args, { cwd: here, env: environment() });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Loaded;
}

function environment(): Record<string, string> {
  return cleanEnv({ [AGENT_PLAN_VARIABLE]: JSON.stringify(agentPlan(spool)) });
}
