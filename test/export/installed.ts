/** A copy of the built package whose exporter has a fault: what the product does when its own exporter fails, seen from outside. */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Installation {
  /** As `bin/otel-run.js` of the package. */
  readonly launcher: string;
  /** How many exporter threads have been started so far. */
  readonly starts: string;
  remove(): void;
}

/** `fault` runs in each exporter thread ahead of the exporter itself, with its number in `nth`. */
export function installWithFault(fault: string): Installation {
  const dir = mkdtempSync(join(tmpdir(), 'installed-'));
  for (const part of ['bin', 'dist']) cpSync(join(root, part), join(dir, part), { recursive: true });
  // Readable by all, as installations are: from one that is not, a root loads a copy.
  chmodSync(dir, 0o755);
  cpSync(join(root, 'package.json'), join(dir, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  const worker = join(dir, 'dist', 'exporter-worker.js');
  renameSync(worker, join(dir, 'dist', 'sound-worker.js'));
  const starts = join(dir, 'starts');
  mkdirSync(starts);
  writeFileSync(
    worker,
    `import { readdirSync, writeFileSync } from 'node:fs';
const starts = ${JSON.stringify(starts)};
const nth = readdirSync(starts).length + 1;
writeFileSync(starts + '/' + nth, '');
${fault}
await import('./sound-worker.js');
`,
  );
  return { launcher: join(dir, 'bin', 'otel-run.js'), starts, remove: () => rmSync(dir, { recursive: true, force: true }) };
}
