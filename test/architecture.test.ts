import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * The rooms and what each may import besides itself. `types` means: types only, nothing that is left at run time.
 * `errors` is the one value that several rooms of the launcher share.
 */
const rooms: Record<string, { readonly imports: readonly string[]; readonly types?: readonly string[] }> = {
  plan: { imports: [] },
  spool: { imports: [] },
  settings: { imports: ['plan', 'errors'] },
  launch: { imports: ['plan', 'spool', 'errors'] },
  init: { imports: ['plan', 'settings'] },
  view: { imports: ['spool'], types: ['plan'] },
  export: { imports: ['spool', 'view'], types: ['plan'] },
  agent: { imports: ['spool'], types: ['plan'] },
  register: { imports: ['settings', 'plan', 'agent'] },
  commands: { imports: ['settings', 'plan', 'launch', 'init', 'spool', 'export', 'view', 'errors'] },
  cli: { imports: ['commands', 'errors'] },
  errors: { imports: [] },
};

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typesOnly: boolean;
}

const imports = globSync('src/**/*.{ts,mts,cts,js}', { cwd: root }).flatMap(importsOf);

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const found = text.matchAll(/(?:^|[;\s])((?:import|export)\b[^'"();]*?\bfrom\s*|import\s*\(\s*|import\s+|require\s*\(\s*)['"](\.{1,2}\/[^'"]+)['"]/g);
  return [...found].map(([, how = '', path = '']) => ({
    from: file,
    to: relative(root, resolve(root, dirname(file), path)),
    typesOnly: isTypesOnly(how) || isTypeQuery(text, path),
  }));
}

/** `import type …`, or braces in which every name is marked. */
function isTypesOnly(how: string): boolean {
  if (/^(?:import|export)\s+type\b/.test(how)) return true;
  const names = /\{([^}]*)\}/.exec(how)?.[1];
  return names !== undefined && /^import\s*\{/.test(how) && names.split(',').every((name) => name.trim() === '' || /^\s*type\s/.test(name));
}

/** `typeof import('./x.ts')` and `import('./x.ts').Name` in a type. */
function isTypeQuery(text: string, path: string): boolean {
  const quoted = path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const uses = text.match(new RegExp(`['"]${quoted}['"]`, 'g')) ?? [];
  const inTypes = text.match(new RegExp(`(?:typeof\\s+import\\(['"]${quoted}['"]\\)|[:<|&]\\s*import\\(['"]${quoted}['"]\\)\\.)`, 'g')) ?? [];
  return uses.length > 0 && uses.length === inTypes.length;
}

function roomOf(file: string): string {
  const [, first = ''] = file.split('/');
  return first.replace(/\.ts$/, '');
}

describe('rooms', () => {
  it('were read', () => {
    expect(imports.length).toBeGreaterThan(50);
    expect(imports.some(({ from, to }) => roomOf(from) === 'commands' && roomOf(to) === 'launch')).toBe(true);
  });

  it('are all named', () => {
    expect([...new Set(imports.map(({ from }) => roomOf(from)))].filter((room) => rooms[room] === undefined)).toEqual([]);
  });

  it('import one way only', () => {
    const forbidden = imports.filter(({ from, to, typesOnly }) => {
      const [here, there] = [roomOf(from), roomOf(to)];
      if (here === there || rooms[here] === undefined) return false;
      return !rooms[here].imports.includes(there) && !(typesOnly && rooms[here].types?.includes(there));
    });
    expect(forbidden.map(({ from, to, typesOnly }) => `${from} imports ${to}${typesOnly ? ' (types)' : ''}`)).toEqual([]);
  });

  it.each<[from: string, text: string, typesOnly: boolean]>([
    ['a value', "import { a } from '../b/c.ts';", false],
    ['a type', "import type { A } from '../b/c.ts';", true],
    ['marked types', "import { type A, type B } from '../b/c.ts';", true],
    ['a type and a value', "import { type A, b } from '../b/c.ts';", false],
  ])('sees %s', (_, text, typesOnly) => {
    expect(isTypesOnly(text.slice(0, text.indexOf("'")))).toBe(typesOnly);
  });
});
