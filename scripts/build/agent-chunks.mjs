import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Packages of which agent and instrumentations must share one instance; src/agent/instrumentation/chunk.ts has them. */
export const SHARED = /^@opentelemetry\/(api|api-logs|core|instrumentation|semantic-conventions)$/;

/**
 * Builds one file for each instrumentation, `instrumentations/<name>.js` beside the agent: parsing them all at
 * the start of every process costs more than the rest of the agent. Each is a function of the `require` that
 * gives it the shared packages.
 */
export function buildInstrumentationChunks(options, root, outdir) {
  const table = readFileSync(join(root, 'src/agent/instrumentation/table.ts'), 'utf8');
  const names = [...table.matchAll(/loadInstrumentation\('([\w.-]+)'/g)].map(([, name]) => name);
  if (names.length < 35) throw new Error(`Only ${names.length} instrumentations found in the table.`);
  const entryPoints = Object.fromEntries(names.map((name) => [name, `@opentelemetry/instrumentation-${name}`]));
  return buildChunks({ ...options, plugins: [...(options.plugins ?? []), leaveOutTransport()] }, entryPoints, outdir);
}

/** Parts of the agent that not every process needs, in the same form: `<name>.js` beside it. */
export function buildParts(options, outdir) {
  return buildChunks(options, { meter: 'src/agent/meter/meter.ts' }, outdir);
}

function buildChunks(options, entryPoints, outdir) {
  return build({
    ...options,
    entryPoints,
    outdir,
    format: 'cjs',
    mainFields: ['main', 'module'],
    banner: { js: 'module.exports=function(require){var module={exports:{}},exports=module.exports;' },
    footer: { js: 'return module.exports};' },
    plugins: [...(options.plugins ?? []), shareWithAgent()],
  });
}

/** src/agent/instrumentation/winston-records.ts does its work. */
function leaveOutTransport() {
  return {
    name: 'leave-out-transport',
    setup(bundler) {
      bundler.onResolve({ filter: /^@opentelemetry\/winston-transport$/ }, ({ path }) => ({ path, namespace: 'left-out' }));
      bundler.onLoad({ filter: /^@opentelemetry\/winston-transport$/, namespace: 'left-out' }, () => ({ contents: '', loader: 'js' }));
    },
  };
}

function shareWithAgent() {
  return {
    name: 'share-with-agent',
    setup(bundler) {
      bundler.onResolve({ filter: SHARED }, ({ path }) => ({ path, external: true }));
    },
  };
}
