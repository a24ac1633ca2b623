import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundledPackages } from './bundled.mjs';

/** Writes name, version, licence and notices of every package whose code is shipped. Fails on one without a licence. */
export function writeLicences(metafiles, root, file) {
  const sections = [...bundledPackages(metafiles, root)]
    .sort(([, a], [, b]) => a.name.localeCompare(b.name))
    .map(([dir, { name, version, license }]) => {
      const texts = readdirSync(dir, { withFileTypes: true })
        .filter((entry) => entry.isFile() && /^(licen[cs]e|notice|copying)/i.test(entry.name))
        .map((entry) => readFileSync(join(dir, entry.name), 'utf8').trim());
      if (license === undefined && texts.length === 0) throw new Error(`${name} ${version} is bundled and names no licence`);
      return [`${name} ${version} (${license ?? 'see below'})`, ...texts].join('\n\n');
    });
  writeFileSync(file, `otel-run ships code of these packages.\n\n${sections.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`);
  return sections.length;
}
