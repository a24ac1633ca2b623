import { type ConfigFile, type FileNode, readScalar } from './file-node.ts';
import { flagName } from './flags.ts';
import { problemAt, quote } from './origin.ts';
import { substitute } from './substitute.ts';
import type { Setting } from './table.ts';
import type { Env, Flags, Origin, Problem } from './types.ts';

/** All that speaks about settings, and where to put what is wrong with it. */
export interface Sources {
  readonly flags: Flags;
  readonly env: Env;
  readonly cwd: string;
  readonly file: ConfigFile | null;
  /** Reads the file behind `--header name=@file`; throws as `readFileSync` does. */
  readonly readText: (path: string) => string;
  readonly say: (problem: Problem) => void;
  /** A variable that turned out to hold a credential. */
  readonly noteCredential: (name: string) => void;
}

export interface Given {
  readonly origin: Origin;
  readonly flag?: string | true;
  readonly node?: FileNode;
}

/** The flag, else the first variable that is not empty, else the key in the file. */
export function findStrongest(key: string, setting: Setting, { flags, env, file }: Sources): Given | null {
  const flag = setting.flag === undefined ? undefined : flags[flagName(setting.flag)];
  if (flag !== undefined && flag !== false) {
    return { origin: { kind: 'flag', name: `--${flagName(setting.flag!)}` }, flag: typeof flag === 'object' ? flag.join(',') : flag };
  }
  for (const name of setting.env) {
    const text = env[name]?.trim() ?? '';
    if (text !== '') return { origin: { kind: 'env', name }, flag: text };
  }
  const node = setting.inFile === false ? null : findNode(key, file);
  return node === null ? null : { origin: fileOrigin(key, node, file!), node };
}

export function findNode(key: string, file: ConfigFile | null): FileNode | null {
  let node: FileNode | undefined = file?.root;
  for (const part of key.split('.')) node = node?.kind === 'map' ? node.entries.find((entry) => entry.key === part)?.value : undefined;
  return node ?? null;
}

/** The text of a scalar with its variables replaced; null, and a word, where it is none or must not be used. */
export function readText(node: FileNode, origin: Origin, sources: Sources, setting: Setting): string | null {
  if (node.kind !== 'scalar') {
    sources.say(problemAt(origin, `expected ${setting.type === 'list' ? 'words' : 'one value'}, found ${node.kind === 'other' ? node.what : `a ${node.kind}`}; ${describeInstead(setting)}`, { severity: 'error', strict: true }));
    return null;
  }
  if (setting.type === 'headers' && sources.file?.substitutes) {
    const { names, unset } = substitute(node.text, sources.env);
    for (const name of names) if (isCredential(origin.name, name)) sources.noteCredential(name);
    if (unset.length > 0) {
      sources.say(problemAt(origin, `${unset[0]} is not set; the header is not sent`, { severity: 'error', hint: `set it, or write \${${unset[0]}:-} to do without` }));
      return null;
    }
  }
  // A password in an address.
  if (setting.type === 'url' && sources.file?.substitutes) for (const [userInfo] of node.text.matchAll(/\/\/.*@/g)) for (const name of substitute(userInfo, sources.env).names) sources.noteCredential(name);
  const text = readNodeText(node, origin, sources).trim();
  return readScalar({ text, quoted: node.quoted }) === null ? '' : text;
}

export function readNodeText(node: { readonly text: string }, origin: Origin, sources: Sources): string {
  if (sources.file?.substitutes !== true) return node.text;
  const { text, unset, wrong } = substitute(node.text, sources.env);
  if (wrong !== null) sources.say(problemAt(origin, `${quote(wrong)} names no variable and stands as it is`, { hint: 'write ${NAME} or ${NAME:-default}; $$ is a dollar sign', severity: 'error', strict: true }));
  for (const name of unset) sources.say(problemAt(origin, `${name} is not set`, { hint: `\${${name}:-} if that is meant` }));
  return text;
}

export function fileOrigin(key: string, node: FileNode, file: ConfigFile): Origin {
  return at({ kind: 'file', name: key, file: file.path }, node);
}

export function at(origin: Origin, { line, column }: { readonly line?: number; readonly column?: number }): Origin {
  return line === undefined ? origin : { ...origin, line, column };
}

export function describeInstead(setting: Setting): string {
  if (setting.instead !== undefined) return setting.instead;
  const value = setting.default;
  if (value === null || typeof value === 'object') return Array.isArray(value) && value.length > 0 ? `${value.join(', ')} instead` : 'it is not used';
  return `${String(value)} instead`;
}

/** Whether a variable that a header names is a secret by the look of either name: `x-host: ${HOSTNAME}` is none. */
export function isCredential(header: string, variable: string): boolean {
  return SECRET.test(variable) || (SECRET.test(header) && !/^(?:HOME|HOSTNAME|LANG|LOGNAME|NODE_ENV|PATH|PWD|SHELL|TMPDIR|USER)$/.test(variable));
}

const SECRET = /token|secret|passw|pwd|key|auth|credential|licen[sc]e|cookie|session|dsn/i;
