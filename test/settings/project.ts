import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { formatProblem } from '../../src/settings/origin.ts';
import { readSettings } from '../../src/settings/read.ts';
import type { Settings } from '../../src/settings/types.ts';

/** A folder with these files, gone after the test. A `.git` keeps the search inside. */
export function makeProject(files: Readonly<Record<string, string>> = {}): string {
  const dir = mkdtempSync(join(tmpdir(), 'otel-run-settings-'));
  chmodSync(dir, 0o755);
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries({ '.git/HEAD': '', ...files })) {
    mkdirSync(dirname(join(dir, name)), { recursive: true, mode: 0o755 });
    writeFileSync(join(dir, name), text, { mode: 0o644 });
  }
  return dir;
}

export interface Request {
  readonly flags?: Readonly<Record<string, string | boolean | readonly string[]>>;
  readonly env?: Readonly<Record<string, string>>;
  /** otel-run.config.yaml of a new project. */
  readonly yaml?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly home?: string;
  readonly inContainer?: boolean;
}

export function read({ flags = {}, env = {}, yaml, files = {}, cwd, home, inContainer }: Request): Promise<Settings> {
  const config: Record<string, string> = yaml === undefined ? {} : { 'otel-run.config.yaml': yaml };
  return readSettings({ flags, env, cwd: cwd ?? makeProject({ ...files, ...config }), home, inContainer });
}

export async function readLines(request: Request): Promise<string[]> {
  return (await read(request)).problems.map(formatProblem);
}
