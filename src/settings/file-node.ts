/** What a config file says, whatever it was written in. */
export type FileNode = Position &
  (
    | { readonly kind: 'scalar'; readonly text: string; /** A string for certain, not a number, boolean or null. */ readonly quoted: boolean }
    | { readonly kind: 'list'; readonly items: readonly FileNode[] }
    | { readonly kind: 'map'; readonly entries: readonly FileEntry[] }
    /** Neither text nor list nor map: a function from a config file that is code. */
    | { readonly kind: 'other'; readonly what: string }
  );

export interface FileEntry {
  readonly key: string;
  readonly at: Position;
  readonly value: FileNode;
}

export interface Position {
  readonly line?: number;
  readonly column?: number;
}

export interface ConfigFile {
  readonly path: string;
  readonly root: FileNode;
  /** Whether `${VAR}` is replaced: in data, not in code. */
  readonly substitutes: boolean;
}

/** The scalar that YAML means by this text: `1.5` a number, `true` a boolean, `~` null, all else a string. */
export function readScalar(node: { readonly text: string; readonly quoted: boolean }): string | number | boolean | null {
  const { text, quoted } = node;
  if (quoted) return text;
  if (/^(?:|~|null|Null|NULL)$/.test(text)) return null;
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (/^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(text)) return Number(text);
  return text;
}
