import { sep } from 'node:path';

/** Where a file lies in an installed package. */
export interface PackageFile {
  readonly name: string;
  readonly baseDir: string;
  /** Relative to the package's folder, with forward slashes. */
  readonly path: string;
}

const MARK = `${sep}node_modules${sep}`;

/** Finds the package that a file belongs to by the last `node_modules` of its path; undefined outside of packages. */
export function locateInPackage(file: string): PackageFile | undefined {
  const mark = file.lastIndexOf(MARK);
  if (mark === -1) return undefined;
  const start = mark + MARK.length;
  let end = file.indexOf(sep, start);
  if (end !== -1 && file[start] === '@') end = file.indexOf(sep, end + 1);
  if (end === -1) return undefined;
  const slashed = (path: string) => (sep === '/' ? path : path.replaceAll(sep, '/'));
  return { name: slashed(file.slice(start, end)), baseDir: file.slice(0, end), path: slashed(file.slice(end + 1)) };
}
