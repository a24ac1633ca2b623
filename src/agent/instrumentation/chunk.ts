import { join } from 'node:path';
import type { InstrumentationConstructor } from './entry.ts';

/** What instrumentations share with the agent: hooks, context keys and the API must exist once in a process. */
const shared: Readonly<Record<string, () => unknown>> = {
  '@opentelemetry/api': () => require('@opentelemetry/api'),
  '@opentelemetry/api-logs': () => require('@opentelemetry/api-logs'),
  '@opentelemetry/core': () => require('@opentelemetry/core'),
  '@opentelemetry/instrumentation': () => require('@opentelemetry/instrumentation'),
};

/** Reads and evaluates the file of one instrumentation, made by scripts/build/instrumentation-chunks.mjs. */
export function loadInstrumentation(name: string, className: string): InstrumentationConstructor {
  const file = join(__dirname, 'instrumentations', `${name}.js`);
  const fill = module.require(file) as Chunk;
  // Like the guard: `require.cache` is the application's.
  delete require.cache[file];
  const found = fill((id) => shared[id]?.() ?? module.require(id))[className];
  if (found === undefined) throw new Error(`${className} is not in ${name}.js`);
  return found;
}

type Chunk = (require: (id: string) => unknown) => Readonly<Record<string, InstrumentationConstructor>>;
