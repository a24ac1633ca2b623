import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, parse, resolve } from 'node:path';
import { readFoundFile } from '../../spool/plain-file.ts';

export type ModuleKind = 'esm' | 'commonjs' | 'unknown';

/** Which kind of module this process starts with. `unknown`: Node decides by the syntax of the file. */
export function entryKind(argv: readonly string[], execArgv: readonly string[], nodeOptions: string): ModuleKind {
  const options = [...execArgv, nodeOptions].join(' ');
  if (/(?:^|\s)--import[=\s]/.test(options)) return 'esm';
  const inputType = /(?:^|\s)--input-type[=\s]"?(module|commonjs)/.exec(options)?.[1];
  if (inputType !== undefined) return inputType === 'module' ? 'esm' : 'commonjs';
  const script = argv[1];
  return script === undefined ? 'unknown' : kindOfFile(resolve(script));
}

function kindOfFile(file: string): ModuleKind {
  if (/\.m[jt]s$/.test(file)) return 'esm';
  if (/\.c[jt]s$/.test(file)) return 'commonjs';
  // A link in node_modules/.bin leads into the package whose manifest counts.
  let dir = dirname(existsSync(file) ? realpathSync(file) : file);
  for (; ; dir = dirname(dir)) {
    const type = manifestType(join(dir, 'package.json'));
    if (type !== undefined) return type;
    if (dir === parse(dir).root) return 'unknown';
  }
}

function manifestType(file: string): ModuleKind | undefined {
  let text;
  try {
    text = readFoundFile(file).toString('utf8');
  } catch {
    return undefined;
  }
  const type = /"type"\s*:\s*"(module|commonjs)"/.exec(text)?.[1];
  return type === 'module' ? 'esm' : type === 'commonjs' ? 'commonjs' : 'unknown';
}
