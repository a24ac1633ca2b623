import { readFileSync } from 'node:fs';
import type { ReadFile } from './data-file.ts';
import { findConfig, type FindInput, type Findings } from './find-config.ts';
import { resolveSettings } from './resolve.ts';
import type { Settings } from './types.ts';

export type ReadInput = FindInput;

/** Every setting of a run. Never throws for what a user wrote: that is in `problems`, and a default holds. */
export async function readSettings(input: ReadInput): Promise<Settings> {
  const found = findConfig(input);
  return resolve(input, found, await readFound(found));
}

/** Parsers and code are loaded only where there is something for them. */
async function readFound(found: Findings): Promise<ReadFile> {
  if (found.kind === 'none') return { file: null, problems: [] };
  if (found.kind === 'code') return (await import('./code-file.ts')).readCodeFile(found);
  return (await import('./data-file.ts')).readDataFile(found);
}

export function resolve(input: ReadInput, found: Findings, { file, problems }: ReadFile): Settings {
  return resolveSettings({ ...input, file, problems: [...found.problems, ...problems], readText: (path) => readFileSync(path, 'utf8') });
}
