import { readDataFile, type ReadFile } from './data-file.ts';
import { findConfig, type Findings } from './find-config.ts';
import { problemAt, quotePath } from './origin.ts';
import { resolve } from './read.ts';
import type { Env, Settings } from './types.ts';

/** {@link readSettings} for a preload, which cannot wait: no flags, and no config file that is code. */
export function readSettingsSync(input: { readonly env: Env; readonly cwd: string; readonly home?: string | undefined }): Settings {
  const request = { ...input, flags: {} };
  const found = findConfig(request);
  return resolve(request, found, readFound(found));
}

function readFound(found: Findings): ReadFile {
  if (found.kind === 'none') return { file: null, problems: [] };
  if (found.kind !== 'code') return readDataFile(found);
  const problem = problemAt(found.origin, `${quotePath(found.path)} is code, which only the command otel-run reads; no config file is used`, { severity: 'error', strict: true });
  return { file: null, problems: [problem] };
}
