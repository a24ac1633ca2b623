import { ensureNodes } from '../../scripts/setup/nodes.mjs';

export interface Cell {
  /** `node24 esm replace` */
  readonly name: string;
  readonly node: string;
  readonly kind: 'cjs' | 'mjs';
  readonly topology: 'replace' | 'parent';
}

/** Name -> absolute path; see scripts/setup/nodes.mjs. */
export const nodes: Readonly<Record<string, string>> = await ensureNodes();

/** The newest of every line (or every tested release), with both kinds of modules and every topology that it can do. */
export function cells(releases: 'newest' | 'all' = 'newest'): Cell[] {
  return Object.entries(nodes)
    .filter(([name]) => releases === 'all' || !name.endsWith('min'))
    .flatMap(([name, node]) =>
      (['cjs', 'mjs'] as const).flatMap((kind) =>
        // Node 20 has no process.execve.
        (name.startsWith('node20') ? (['parent'] as const) : (['replace', 'parent'] as const)).map((topology) => ({
          name: `${name} ${kind === 'cjs' ? 'CommonJS' : 'ES module'} ${topology}`,
          node,
          kind,
          topology,
        })),
      ),
    );
}
