import { pathToFileURL } from 'node:url';
import type { ReadFile } from './data-file.ts';
import type { FileNode } from './file-node.ts';
import type { Findings } from './find-config.ts';
import { problemAt, quotePath } from './origin.ts';

/** Runs the module that `--config` names; its default export holds the settings. */
export async function readCodeFile({ path, origin }: Extract<Findings, { kind: 'code' }>): Promise<ReadFile> {
  const refuse = (text: string, hint: string | null = null): ReadFile => ({
    file: null,
    problems: [problemAt(origin, `${quotePath(path)} ${text}; no config file is used`, { severity: 'error', strict: true, hint })],
  });
  let exported: unknown;
  try {
    const module = (await import(pathToFileURL(path).href)) as { default?: unknown };
    exported = module.default;
  } catch (error) {
    const { code, message } = error instanceof Error ? (error as NodeJS.ErrnoException) : { code: undefined, message: String(error) };
    const hint = code === 'ERR_UNKNOWN_FILE_EXTENSION' ? 'this Node cannot run TypeScript; .mjs works everywhere' : null;
    return refuse(`cannot be run: ${message.split('\n', 1)[0]}`, hint);
  }
  const root = toNode(exported, 0);
  return root.kind === 'map' ? { file: { path, root, substitutes: false }, problems: [] } : refuse('has no default export that holds settings', 'export default { … }');
}

function toNode(value: unknown, depth: number): FileNode {
  if (value === undefined || value === null) return { kind: 'scalar', text: '', quoted: false };
  switch (typeof value) {
    case 'string':
      return { kind: 'scalar', text: value, quoted: true };
    case 'number':
    case 'boolean':
    case 'bigint':
      return { kind: 'scalar', text: String(value), quoted: false };
    case 'object':
      if (depth > 32) return { kind: 'other', what: 'something very deep' };
      if (Array.isArray(value)) return { kind: 'list', items: value.map((item) => toNode(item, depth + 1)) };
      return { kind: 'map', entries: Object.entries(value).map(([key, inner]) => ({ key, at: {}, value: toNode(inner, depth + 1) })) };
    default:
      return { kind: 'other', what: `a ${typeof value}` };
  }
}
