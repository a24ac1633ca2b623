import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import type { InstrumentationConstructor } from './entry.ts';

/** What instrumentations share with the agent: hooks, context keys and the API must exist once in a process. */
const shared: Readonly<Record<string, () => unknown>> = {
  '@opentelemetry/api': () => require('@opentelemetry/api'),
  '@opentelemetry/api-logs': () => require('@opentelemetry/api-logs'),
  '@opentelemetry/core': () => require('@opentelemetry/core'),
  '@opentelemetry/instrumentation': () => require('@opentelemetry/instrumentation'),
};

/** Reads and evaluates the file of one instrumentation, made by scripts/build/agent-chunks.mjs. */
export function loadInstrumentation(name: string, className: string): InstrumentationConstructor {
  const found = loadChunk(join('instrumentations', name))[className];
  if (found === undefined) throw new Error(`${className} is not in ${name}.js`);
  return found as InstrumentationConstructor;
}

/** The same for a part of the agent that not every process needs. */
export function loadPart<T>(name: string): T {
  return loadChunk(name) as T;
}

/** As they are before the application can replace them. */
const [read, compile] = [readFileSync, compileFunction];

/**
 * Not by `require`: it would show the file to what the application has put in its way to compile its own modules
 * (`require.extensions` of Babel, ts-node and others, load hooks), and leave it in `require.cache`.
 */
function loadChunk(name: string): Readonly<Record<string, unknown>> {
  const file = join(__dirname, `${name}.js`);
  const chunk: { exports?: Chunk } = {};
  compile(read(file, 'utf8'), ['module'], { filename: file })(chunk);
  return chunk.exports!((id) => shared[id]?.() ?? module.require(id));
}

type Chunk = (require: (id: string) => unknown) => Readonly<Record<string, unknown>>;
