/** What somebody may have meant by a word that is no command. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { findManifest } from '../launch/find-manifest.ts';
import { findNearest } from '../settings/nearest.ts';
import { verbs, type FlagValues } from './invocation.ts';

/** What runs Node programs: as the value of an option it is a mistake. */
const RUNNERS: ReadonlySet<unknown> = new Set(['node', 'npm', 'npx', 'pnpm', 'yarn', 'tsx']);

/** Half a sentence, or null. */
export function guessCommand(word: string, flags: FlagValues, cwd: string): string | null {
  for (const [flag, values] of Object.entries(flags)) {
    const taken = [values].flat().find((value) => RUNNERS.has(value));
    if (taken !== undefined) return `--${flag} has taken ${String(taken)} as its value`;
  }
  if (word.length > 3) {
    const verb = findNearest(word, verbs, 2);
    if (verb !== null) return `did you mean otel-run ${verb}?`;
  }
  const file = ['.js', '.mjs', '.cjs', '.ts'].map((ending) => `${word}${ending}`).find((name) => isFile(join(cwd, name)));
  if (file !== undefined) return `did you mean ${file}?`;
  const { scripts } = (findManifest(cwd) ?? {}) as { readonly scripts?: Readonly<Record<string, unknown>> };
  return typeof scripts === 'object' && scripts !== null && Object.hasOwn(scripts, word) ? `the script of package.json is run by: otel-run npm run ${word}` : null;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
