import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { serviceNames } from './catalogue.ts';
import type { ServiceName } from './catalogue.ts';

const here = import.meta.dirname;

/**
 * The services that test files name, in themselves or in what they import: a
 * look at the text, so that a run of three unit tests builds no server. A server
 * that is asked for without being named is made ready at that moment.
 */
export function findNeededServices(testFiles: readonly string[]): ServiceName[] {
  const seen = new Set<string>();
  const needed = new Set<ServiceName>();
  const look = (file: string): void => {
    if (seen.has(file) || isOfServices(file) || !existsSync(file)) return;
    seen.add(file);
    const source = readFileSync(file, 'utf8');
    const imports = Array.from(source.matchAll(/(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g), ([, specifier]) =>
      path.resolve(path.dirname(file), specifier as string),
    );
    for (const name of imports.some((target) => isOfServices(target)) ? serviceNames : []) {
      if (source.includes(`'${name}'`) || source.includes(`/${name}.ts'`)) needed.add(name);
    }
    imports.forEach(look);
  };
  testFiles.forEach(look);
  return serviceNames.filter((name) => needed.has(name));
}

function isOfServices(file: string): boolean {
  return path.dirname(file) === here && !file.endsWith('.test.ts');
}
