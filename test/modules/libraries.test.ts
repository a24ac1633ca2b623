/** What libraries export is described alike under plain Node and under otel-run, but for the functions that are traced. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { ensureLibraries } from '../../scripts/setup/libraries.mjs';
import { nodes } from '../harness/nodes.ts';
import { both, differences, linesOf, linkPackages } from './compare.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const groups: Readonly<Record<string, readonly string[]>> = {
  'drizzle-orm, zod': [
    ...['', '/pg-core', '/node-postgres', '/mysql-core', '/sqlite-core', '/sql', '/relations'].map((path) => `drizzle-orm${path}`),
    ...['', '/v3', '/v4', '/v4/core', '/mini', '/locales'].map((path) => `zod${path}`),
  ],
  'Prisma client, LangChain': [
    ...['./prisma-client/client.cjs', './prisma-client/client.mjs', '@prisma/client', '@prisma/client/extension', '@prisma/client/runtime/client'],
    ...['langchain', 'langchain/load', 'langchain/chat_models/universal'],
    ...['messages', 'prompts', 'runnables', 'tools', 'output_parsers', 'language_models/chat_models', 'documents', 'embeddings'].map((path) => `@langchain/core/${path}`),
  ],
  'AWS SDK, undici, RxJS': [
    ...['@aws-sdk/client-s3', '@aws-sdk/client-dynamodb', '@aws-sdk/client-sqs', '@aws-sdk/s3-request-presigner', 'undici'],
    ...['', '/operators', '/ajax', '/webSocket', '/fetch', '/testing'].map((path) => `rxjs${path}`),
  ],
  'Next.js, React, TypeScript': [
    ...['', '/server', '/server.js', '/headers.js', '/navigation.js', '/cache.js', '/link.js', '/image.js', '/dynamic.js', '/script.js', '/router.js'].map((path) => `next${path}`),
    ...['react', 'react/jsx-runtime', 'react-dom', 'react-dom/client', 'react-dom/server', 'typescript'],
  ],
};
const OPENAI = ['', '/resources', '/resources/chat/completions', '/streaming', '/uploads', '/error', '/azure'].map((path) => `openai${path}`);

/** What is to be wrapped, and nothing else: the instrumentations do their work there. */
const WRAPPED: Readonly<Record<string, readonly string[]>> = {
  '@aws-sdk/client-dynamodb': ['__Client.prototype.send'],
  '@aws-sdk/client-s3': ['__Client.prototype.send'],
  '@aws-sdk/client-sqs': ['__Client.prototype.send'],
  openai: ['Completions.prototype.create', 'Embeddings.prototype.create', 'Responses.prototype.create'],
};

/** What plain Node cannot load either: a client that was not generated, and subpaths of a package without `exports`. */
const FAIL = ['import @prisma/client', 'import next/server', 'require @prisma/client'];

/** What is not compared in full: libraries that change where they are patched, each in its way. */
const TRACED = [
  ...['@grpc/grpc-js', '@hapi/hapi', '@nestjs/core', 'amqplib', 'bunyan', 'cassandra-driver', 'connect', 'dataloader', 'express', 'generic-pool', 'graphql', 'ioredis', 'kafkajs', 'knex', 'koa'],
  ...['lru-memoizer', 'memcached', 'mongodb', 'mongoose', 'mysql', 'mysql2', 'oracledb', 'pg', 'pg-pool', 'pino', 'redis', 'restify', 'router', 'socket.io', 'tedious', 'winston'],
];

const packages: Readonly<Record<string, readonly string[]>> = {
  'test/apps/libs': ['@langchain/core', '@prisma/client', 'drizzle-orm', 'langchain', 'zod'],
  'test/apps/loaders': ['typescript'],
  'test/apps/main': ['@aws-sdk/client-dynamodb', '@aws-sdk/client-s3', '@aws-sdk/client-sqs', '@aws-sdk/s3-request-presigner', 'undici'],
  'test/apps/next': ['next', 'react', 'react-dom'],
  'test/libraries': ['openai', 'rxjs', ...TRACED],
};

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'otel-run-libraries-')));
const places = { plain: join(scratch, 'plain'), hooked: join(scratch, 'hooked') };
beforeAll(async () => {
  await ensureApps(['libs', 'loaders', 'main', 'next']);
  await ensureLibraries();
  prepare(places.plain, (name) => name !== 'openai');
  prepare(places.hooked, () => true);
}, 600_000);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const lines = linesOf('node20min', 'node26');

describe.each(Object.entries(groups))('%s', (_, entryPoints) => {
  it.each([...cases(['probe.cjs']), ...cases(['probe.mjs']).slice(-1)])('$line $program', { timeout: 120_000 }, async ({ line, program }) => {
    await expectEqual(line, program, places.plain, entryPoints);
  });
  it.each(cases(['probe.mjs']))('$line $program with hooks for ES modules', { timeout: 120_000 }, async ({ line, program }) => {
    await expectEqual(line, program, places.hooked, entryPoints);
  });
});

describe('OpenAI', () => {
  it.each(cases(['probe.cjs', 'probe.mjs']))('$line $program', { timeout: 120_000 }, async ({ line, program }) => {
    const wrapped = await expectEqual(line, program, places.hooked, OPENAI);
    // Asynchronous hooks are left out of processes that begin with CommonJS.
    const ways = line === 'node20min' && program === 'probe.cjs' ? ['require'] : ['import', 'require'];
    expect([...new Set(wrapped.map((path) => path.slice(1, path.indexOf(' '))))].sort()).toEqual(ways);
  });
});

describe('libraries that are traced', () => {
  it.each(cases(['probe.cjs']).slice(-1))('keep the names of all exports, and of each function its name and number of parameters ($line)', { timeout: 120_000 }, async ({ line, program }) => {
    const { expected, found } = await describeBoth(line, program, places.plain, TRACED);
    expect(Object.keys(expected).length).toBe(TRACED.length + 1);
    for (const library of TRACED) {
      const [before, after] = [expected[library]!, found[library]!];
      // `.require graphql.parse`; what stands in for a function may be an arrow function, which has no `prototype`.
      const exports = (description: Description) => Object.keys(description).filter((path) => /^\.(?:require|import) [^.]*(?:socket\.io)?\.[^./]+$/.test(path) && !path.endsWith('.prototype'));
      expect(exports(after)).toEqual(exports(before));
      const functions = Object.keys(before).filter((path) => before[path]!.startsWith('function') && after[path]?.startsWith('function'));
      expect(functions.length).toBeGreaterThan(0);
      // `Logger` of bunyan is then one that is derived from the library's.
      expect(functions.filter((path) => signature(after[path]) !== signature(before[path]) && !path.endsWith('.super_')).map((path) => `${library} ${path}`)).toEqual([]);
    }
  });
});

function cases(programs: readonly string[]) {
  return lines.flatMap((line) => programs.map((program) => ({ line, program })));
}

type Description = Record<string, string>;

type Descriptions = Record<string, Description>;

async function describeBoth(line: string, program: string, cwd: string, entryPoints: readonly string[]): Promise<{ readonly expected: Descriptions; readonly found: Descriptions }> {
  const witness = join(scratch, `${[line, program, cwd, entryPoints[0]].join().replaceAll('/', '-')}.json`);
  const [plain, ours] = await both(nodes[line]!, [program, ...entryPoints], cwd, { PROBE_WITNESS: witness });
  expect(existsSync(witness)).toBe(true);
  expect([ours.exitCode, ours.stderr]).toEqual([plain.exitCode, plain.stderr]);
  const [expected, found] = [plain, ours].map(({ stdout }) => JSON.parse(stdout) as Descriptions) as [Descriptions, Descriptions];
  return { expected, found };
}

/** The paths of the functions that are wrapped; all else must be equal. */
async function expectEqual(line: string, program: string, cwd: string, entryPoints: readonly string[]): Promise<readonly string[]> {
  const { expected, found } = await describeBoth(line, program, cwd, entryPoints);
  const failing = Object.values(expected).flatMap((library) => Object.keys(library).filter((path) => path.endsWith('.fails')));
  expect(failing.map((path) => path.slice(1, -'.fails'.length)).filter((way) => !FAIL.includes(way))).toEqual([]);
  const all: string[] = [];
  for (const [library, description] of Object.entries(found)) {
    if (library === 'require.cache') continue;
    const wrapped = unwrap(description, expected[library] ?? {});
    expect([...new Set(wrapped.map(shortName))].sort()).toEqual(WRAPPED[library] ?? []);
    all.push(...wrapped);
  }
  expect([...differences('', expected, found)]).toEqual([]);
  return all;
}

/**
 * Puts back, in a description, the functions that were wrapped, and returns their paths. What is wrapped keeps its
 * name and number of parameters, and holds the original.
 */
function unwrap(found: Description, expected: Readonly<Description>): readonly string[] {
  const MARK = '.__original';
  const wrapped = Object.keys(found).filter((path) => path.endsWith(MARK)).map((path) => path.slice(0, -MARK.length));
  for (const path of wrapped) {
    expect(found[`${path}${MARK}`]).toBe(expected[path]);
    expect(signature(found[path])).toBe(signature(expected[path]));
    const added = [MARK, '.__unwrap', '.__wrapped', ...(`${path}.prototype` in expected ? [] : ['.prototype'])];
    for (const other of Object.keys(found)) if (added.some((end) => other === `${path}${end}` || other.startsWith(`${path}${end}.`))) delete found[other];
    found[path] = expected[path]!;
  }
  return wrapped;
}

/** `"send" 3`: one that is wrapped need not be an async function any more. */
function signature(description: string | undefined): string | undefined {
  return /".*" \d+/.exec(description ?? '')?.[0];
}

/** `.require openai.OpenAI.Completions.prototype.create` -> `Completions.prototype.create` */
function shortName(path: string): string {
  return path.split('.').slice(-3).join('.');
}

/** The probe beside links to the packages: their own dependencies are found from where they really are. */
function prepare(dir: string, isWanted: (name: string) => boolean): void {
  mkdirSync(dir);
  for (const file of ['describe.cjs', 'libraries/probe.cjs', 'libraries/probe.mjs']) cpSync(join(root, 'test/modules', file), join(dir, basename(file)));
  cpSync(join(root, 'test/apps/libs/prisma-client'), join(dir, 'prisma-client'), { recursive: true });
  for (const [folder, names] of Object.entries(packages)) linkPackages(dir, join(root, folder, 'node_modules'), names.filter(isWanted));
}
