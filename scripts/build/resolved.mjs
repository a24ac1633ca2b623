// A package that is not installed, required where a failure is caught, would be left out of the bundle without a word.
import { builtinModules } from 'node:module';

/** What a bundle may leave to others: Node's own modules, files beside it, what the agent shares. Throws where there is more. */
export function assertResolved(metafiles, shared) {
  const missing = new Set();
  for (const { outputs } of metafiles) {
    for (const [file, { imports }] of Object.entries(outputs)) {
      for (const { path, external } of imports) {
        if (external && !path.startsWith('node:') && !path.startsWith('./') && !builtinModules.includes(path) && !shared.test(path)) missing.add(`${path} (for ${file})`);
      }
    }
  }
  if (missing.size > 0) throw new Error(`not bundled, is it installed? ${[...missing].join(', ')}`);
}
