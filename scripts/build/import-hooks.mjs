import { join } from 'node:path';

/**
 * How the packages that hook module loading get into the agent: require-in-the-middle and the main file of
 * import-in-the-middle are replaced by ours (src/agent/instrumentation), which only ask about what the table
 * names. What remains of import-in-the-middle is a file of its own, and the state that its generated wrapper
 * modules import by URL must be the very instance that the agent registered with: a file at a path of its own.
 */
export function moduleHooks(root) {
  return {
    name: 'module-hooks',
    setup(bundler) {
      bundler.onResolve({ filter: /^(import|require)-in-the-middle$/ }, ({ path }) => ({ path: join(root, 'src/agent/instrumentation', `${path}.ts`) }));
      bundler.onResolve({ filter: /(^|\/)lib\/register(\.js)?$/ }, ({ importer, path }) =>
        importer.includes('-in-the-middle') || importer.includes('instrumentation') || path.startsWith('import-in-the-middle/')
          ? { path: './lib/register.js', external: true }
          : undefined,
      );
      bundler.onResolve({ filter: /^\.\/import-hook\.js$/ }, ({ path }) => ({ path, external: true }));
    },
  };
}
