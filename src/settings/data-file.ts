import { resolve } from 'node:path';
import * as cosmiconfig from 'cosmiconfig/dist/ExplorerSync.js';
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, Scalar, type Document, type Node } from 'yaml';
import { type ConfigFile, type FileEntry, type FileNode, readScalar } from './file-node.ts';
import { CONFIG_NAMES, type Findings, PACKAGE_KEY } from './find-config.ts';
import { problemAt, quote } from './origin.ts';
import type { Problem } from './types.ts';

export interface ReadFile {
  readonly file: ConfigFile | null;
  readonly problems: readonly Problem[];
}

/** Reads the config file that was found or named, as data. */
export function readDataFile(found: Extract<Findings, { kind: 'found' | 'named' }>): ReadFile {
  if (found.kind === 'named') {
    const text = attempt(() => createExplorer([]).load(found.path), found.path);
    return 'file' in text ? text : text.config === undefined ? NOTHING : parseFile(text.config);
  }
  for (const { dir, names } of found.places) {
    const text = attempt(() => createExplorer(names).search(dir), resolve(dir, names[0]!));
    if ('file' in text) return text;
    if (text.config !== undefined) return parseFile(text.config);
  }
  return NOTHING;
}

const NOTHING: ReadFile = { file: null, problems: [] };

interface FoundText {
  readonly path: string;
  readonly text: string;
}

interface Explorer {
  load(path: string): { readonly config?: FoundText } | null;
  search(dir: string): { readonly config?: FoundText } | null;
}

/**
 * cosmiconfig's class behind its public constructor, which would first run `.config/config.js` of the working
 * directory. Our loaders hand over the text unread, so that its `$import`, which reads code too, never comes up.
 */
function createExplorer(searchPlaces: readonly string[]): Explorer {
  const { ExplorerSync } = cosmiconfig as unknown as { ExplorerSync: new (options: object) => Explorer };
  const keepText = (path: string, text: string): object => (/(?:^|[\\/])package\.json$/.test(path) ? { [PACKAGE_KEY]: { path, text } } : { path, text });
  return new ExplorerSync({
    moduleName: PACKAGE_KEY,
    packageProp: [PACKAGE_KEY],
    searchPlaces,
    searchStrategy: 'none',
    ignoreEmptySearchPlaces: true,
    mergeImportArrays: false,
    mergeSearchPlaces: false,
    metaConfigFilePath: null,
    cache: false,
    loaders: { '.yaml': keepText, '.yml': keepText, '.json': keepText, noExt: keepText, default: keepText },
    transform: (result: unknown) => result,
  });
}

function attempt(read: () => { readonly config?: FoundText } | null, path: string): ReadFile | { readonly config?: FoundText } {
  try {
    return read() ?? {};
  } catch (error) {
    return { file: null, problems: [unreadable(path, error)] };
  }
}

function unreadable(path: string, error: unknown): Problem {
  const { code, message } = error as NodeJS.ErrnoException;
  return problemAt({ kind: 'file', name: '', file: path }, `cannot be read (${code ?? message}); it is not used`, { severity: 'error', strict: true });
}

function parseFile({ path, text }: FoundText): ReadFile {
  try {
    return parse(path, text.replace(/^\ufeff/, ''));
  } catch (error) {
    return { file: null, problems: [unreadable(path, error)] };
  }
}

/** YAML 1.2, of which JSON is a part. */
function parse(path: string, text: string): ReadFile {
  const isPackage = /(?:^|[\\/])package\.json$/.test(path);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: !isPackage, logLevel: 'error', stringKeys: true });
  const error = document.errors[0];
  if (error !== undefined) {
    const reason = error.message.split('\n', 1)[0]!;
    const position = lines.linePos(error.pos[0]);
    const line = text.split('\n', position.line)[position.line - 1] ?? '';
    return refuse(path, position, `${reason}; the file is not used`, /[[{].*\$\{/.test(line) ? 'inside { } and [ ] write "${…}" in quotes' : null);
  }
  const budget = { nodes: MOST_NODES };
  const top = isPackage && isMap(document.contents) ? document.contents.get(PACKAGE_KEY, true) : document.contents;
  if (top === null || top === undefined) return NOTHING;
  const root = convert(top as Node, document, lines, budget, 0);
  if (typeof root === 'string') return refuse(path, { line: 1, col: 1 }, `${root}; the file is not used`);
  if (root.kind === 'scalar' && readScalar(root) === null) return NOTHING;
  if (root.kind !== 'map') return refuse(path, { line: root.line ?? 1, col: root.column ?? 1 }, 'expected keys with values; the file is not used');
  return { file: { path, root, substitutes: true }, problems: [] };
}

const MOST_NODES = 10_000;
const DEEPEST = 32;

function refuse(path: string, { line, col }: { line: number; col: number }, text: string, hint: string | null = null): ReadFile {
  return { file: null, problems: [problemAt({ kind: 'file', name: '', file: path, line, column: col }, text, { severity: 'error', strict: true, hint })] };
}

/** What is wrong instead, where the document is larger than any config: aliases of aliases grow without bounds. */
function convert(node: Node | null | undefined, document: Document, lines: LineCounter, budget: { nodes: number }, depth: number): FileNode | string {
  if (--budget.nodes < 0 || depth > DEEPEST) return 'too deep, too long, or an alias that holds itself';
  const position = positionOf(node, lines);
  if (node === null || node === undefined) return { kind: 'scalar', text: '', quoted: false, ...position };
  if (isAlias(node)) {
    const source = node.resolve(document) as Node | undefined;
    if (source === undefined) return `the alias ${quote(node.source)} names no anchor`;
    const target = convert(source, document, lines, budget, depth + 1);
    return typeof target === 'string' ? target : { ...target, ...position };
  }
  if (isSeq(node)) {
    const items: FileNode[] = [];
    for (const item of node.items) {
      const converted = convert(item as Node, document, lines, budget, depth + 1);
      if (typeof converted === 'string') return converted;
      items.push(converted);
    }
    return { kind: 'list', items, ...position };
  }
  if (isMap(node)) {
    const entries: FileEntry[] = [];
    for (const { key, value } of node.items) {
      const converted = convert(value as Node | null, document, lines, budget, depth + 1);
      if (typeof converted === 'string') return converted;
      entries.push({ key: isScalar(key) ? String(key.value) : String(key), at: positionOf(key as Node, lines), value: converted });
    }
    return { kind: 'map', entries, ...position };
  }
  const scalar = node as Scalar;
  const quoted = scalar.type !== undefined && scalar.type !== Scalar.PLAIN;
  return { kind: 'scalar', text: quoted ? String(scalar.value) : (scalar.source ?? String(scalar.value ?? '')), quoted, ...position };
}

function positionOf(node: Node | null | undefined, lines: LineCounter): { line?: number; column?: number } {
  if (node?.range == null) return {};
  const { line, col } = lines.linePos(node.range[0]);
  return { line, column: col };
}
