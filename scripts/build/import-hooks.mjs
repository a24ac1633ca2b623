import { join } from 'node:path';

/**
 * The packages that hook module loading are replaced by ours in the agent (src/agent/instrumentation), which only
 * ask about what the table names.
 */
export function moduleHooks(root) {
  return {
    name: 'module-hooks',
    setup(bundler) {
      bundler.onResolve({ filter: /^(import|require)-in-the-middle$/ }, ({ path }) => ({ path: join(root, 'src/agent/instrumentation', `${path}.ts`) }));
    },
  };
}
