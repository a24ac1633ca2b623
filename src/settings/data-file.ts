import { resolve } from 'node:path';
import * as cosmiconfig from 'cosmiconfig/dist/ExplorerSync.js';
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, Scalar, type Node, type YAMLMap } from 'yaml';
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
  const strange = isPackage ? null : findStrange(text);
  if (strange !== null) return refuse(path, placeOf(text, strange.at), `${strange.what}; the file is not used`);
  const lines = new LineCounter();
  const deep = findDepth(text);
  if (deep !== null) return refuse(path, placeOf(text, deep), 'too deep; the file is not used');
  // Unique keys are checked below: the parser compares each with each.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, logLevel: 'error', stringKeys: true });
  const error = document.errors[0];
  if (error !== undefined) {
    const reason = error.message.split('\n', 1)[0]!;
    const position = lines.linePos(error.pos[0]);
    const line = text.split('\n', position.line)[position.line - 1] ?? '';
    return refuse(path, position, `${reason}; the file is not used`, /[[{].*\$\{/.test(line) ? 'inside { } and [ ] write "${…}" in quotes' : null);
  }
  const walk: Walk = { lines, anchors: new Map(), nodesLeft: MOST_NODES, mayRepeatKeys: isPackage };
  const top = isPackage && isMap(document.contents) ? document.contents.get(PACKAGE_KEY, true) : document.contents;
  if (top === null || top === undefined) return NOTHING;
  const root = convert(top as Node, walk, 0);
  if ('fault' in root) return refuse(path, lines.linePos(root.at), `${root.fault}; the file is not used`);
  if (root.kind === 'scalar' && readScalar(root) === null) return NOTHING;
  if (root.kind !== 'map') return refuse(path, { line: root.line ?? 1, col: root.column ?? 1 }, 'expected keys with values; the file is not used');
  return { file: { path, root, substitutes: true }, problems: [] };
}

const MOST_NODES = 10_000;
const DEEPEST = 32;

/** What another encoding than UTF-8, or no text at all, reads like. */
function findStrange(text: string): { readonly at: number; readonly what: string } | null {
  const nul = text.indexOf('\0');
  if (/^\ufffd\ufffd/.test(text) && nul >= 0) return { at: 0, what: 'UTF-16, and not UTF-8' };
  if (nul >= 0) return { at: nul, what: 'a NUL, so no text' };
  const foreign = text.indexOf('\ufffd');
  return foreign < 0 ? null : { at: foreign, what: 'not UTF-8' };
}

function placeOf(text: string, at: number): { line: number; col: number } {
  return { line: text.slice(0, at).split('\n').length, col: at - text.lastIndexOf('\n', at - 1) };
}

/** Where brackets are nested deeper than any config: the parser's time grows with the square of the depth. */
function findDepth(text: string): number | null {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x5b || char === 0x7b) depth++;
    else if (char === 0x5d || char === 0x7d) depth = Math.max(0, depth - 1);
    if (depth > 4 * DEEPEST) return at;
  }
  return null;
}

function refuse(path: string, { line, col }: { line: number; col: number }, text: string, hint: string | null = null): ReadFile {
  return { file: null, problems: [problemAt({ kind: 'file', name: '', file: path, line, column: col }, text, { severity: 'error', strict: true, hint })] };
}

interface Walk {
  readonly lines: LineCounter;
  readonly anchors: Map<string, Node>;
  nodesLeft: number;
  /** As `JSON.parse` reads package.json. */
  readonly mayRepeatKeys: boolean;
}

interface Fault {
  readonly fault: string;
  readonly at: number;
}

/** The tree without the library; a fault where it is larger than any config, for aliases of aliases grow without bounds. */
function convert(node: Node | null | undefined, walk: Walk, depth: number): FileNode | Fault {
  if (node === null || node === undefined) return { kind: 'scalar', text: '', quoted: false };
  const at = node.range?.[0] ?? 0;
  if (--walk.nodesLeft < 0 || depth > DEEPEST) return { fault: 'too deep, too long, or an alias that holds itself', at };
  const position = positionOf(node, walk.lines);
  if (isAlias(node)) {
    const source = walk.anchors.get(node.source);
    if (source === undefined) return { fault: `the alias ${quote(node.source)} names no anchor`, at };
    const target = convert(source, walk, depth + 1);
    return 'fault' in target ? target : { ...target, ...position };
  }
  if (node.anchor !== undefined) walk.anchors.set(node.anchor, node);
  if (isSeq(node)) {
    const items: FileNode[] = [];
    for (const item of node.items) {
      const converted = convert(item as Node, walk, depth + 1);
      if ('fault' in converted) return converted;
      items.push(converted);
    }
    return { kind: 'list', items, ...position };
  }
  if (isMap(node)) return convertMap(node, walk, depth);
  const scalar = node as Scalar;
  const quoted = scalar.type !== undefined && scalar.type !== Scalar.PLAIN;
  return { kind: 'scalar', text: quoted ? String(scalar.value) : (scalar.source ?? String(scalar.value ?? '')), quoted, ...position };
}

function convertMap(node: YAMLMap, walk: Walk, depth: number): FileNode | Fault {
  const entries = new Map<string, FileEntry>();
  for (const pair of node.items) {
    const name = pair.key as Node;
    const key = isScalar(name) ? String(name.value) : String(name);
    if (entries.has(key) && !walk.mayRepeatKeys) return { fault: `the key ${quote(key)} stands twice`, at: name.range?.[0] ?? 0 };
    const value = convert(pair.value as Node | null, walk, depth + 1);
    if ('fault' in value) return value;
    entries.set(key, { key, at: positionOf(name, walk.lines), value });
  }
  return { kind: 'map', entries: [...entries.values()], ...positionOf(node, walk.lines) };
}

function positionOf(node: Node | null | undefined, lines: LineCounter): { line?: number; column?: number } {
  if (node?.range == null) return {};
  const { line, col } = lines.linePos(node.range[0]);
  return { line, column: col };
}
