import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { nodes } from '../harness/nodes.ts';
import { otelRun, plainNode, type RunResult } from '../harness/run.ts';

/** Of these Node lines those that are here; where none is, what there is. */
export function linesOf(...names: readonly string[]): readonly string[] {
  const tested = names.filter((name) => nodes[name] !== undefined);
  return tested.length > 0 ? tested : Object.keys(nodes);
}

/** Runs the same under plain Node and under the built command line; `env` is for the second. */
export async function both(node: string, args: readonly string[], cwd: string, env: Record<string, string>): Promise<readonly [plain: RunResult, ours: RunResult]> {
  const options = { node, cwd, env, timeoutMs: 50_000 };
  const results = await Promise.all([plainNode({ ...options, env: {}, args }), otelRun({ ...options, args: [node, ...args] })]);
  return results.map((result) => ({ ...result, stderr: result.stderr.replace(/\(node:\d+\)/g, '(node)') })) as [RunResult, RunResult];
}

/** The paths of all leaves that differ. */
export function* differences(path: string, a: unknown, b: unknown): Generator<string> {
  if (typeof a === 'object' && typeof b === 'object' && a !== null && b !== null) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    for (const key of keys) yield* differences(path === '' ? key : `${path} > ${key}`, (a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]);
  } else if (a !== b) yield path;
}

/** Has a program of this folder find these packages; what they need themselves is found from where they really are. */
export function linkPackages(dir: string, packages: string, names: readonly string[]): void {
  for (const name of names) {
    const link = join(dir, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(packages, name), link);
  }
}
