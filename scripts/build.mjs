// Makes dist/: the launcher and the exporter (ES modules with shared chunks) and the agent (CommonJS).
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { moduleHooks } from './build/import-hooks.mjs';
import { configWithoutCode } from './build/config-without-code.mjs';
import { loadLater } from './build/load-later.mjs';
import { inlineConventions } from './build/inline-conventions.mjs';
import { SHARED, buildInstrumentationChunks, buildParts } from './build/agent-chunks.mjs';
import { leaveOutDetectors } from './build/leave-out-detectors.mjs';
import { assertResolved } from './build/resolved.mjs';
import { writeLicences } from './build/licences.mjs';
import { assertNoTwins } from './build/twins.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
// Built beside and put in place at the end: a failed build leaves the last one, and nobody meets half of one.
const dist = join(root, '.tmp', `dist-${process.pid}`);
process.on('exit', () => rmSync(dist, { recursive: true, force: true }));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { version: sdkVersion } = JSON.parse(readFileSync(join(root, 'node_modules/@opentelemetry/sdk-trace-base/package.json'), 'utf8'));

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  metafile: true,
  legalComments: 'none',
  minifySyntax: true,
  minifyWhitespace: true,
  // Node prints the line of an exception, whose it ever is.
  lineLimit: 160,
  define: { OTEL_RUN_VERSION: JSON.stringify(version), OTEL_RUN_SDK_VERSION: JSON.stringify(sdkVersion) },
  logLevel: 'warning',
};

mkdirSync(join(dist, 'agent'), { recursive: true });

const results = [];

// Bundled CommonJS dependencies call `require` for Node's built-ins; an ES module has none of its own.
const banner = { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" };
const later = {};
results.push(
  await build({
    ...common,
    entryPoints: { cli: 'src/cli.ts' },
    outdir: dist,
    format: 'esm',
    plugins: [loadLater(root, later)],
  }),
);
results.push(
  await build({
    ...common,
    entryPoints: present({ ...later, exporter: 'src/export/process.ts', 'exporter-worker': 'src/export/worker.ts' }),
    outdir: dist,
    format: 'esm',
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    banner,
    plugins: [configWithoutCode()],
  }),
);

if (existsSync(join(root, 'src/agent/agent.ts'))) {
  results.push(
    await build({
      ...common,
      entryPoints: { agent: 'src/agent/agent.ts' },
      outdir: join(dist, 'agent'),
      format: 'cjs',
      mainFields: ['main', 'module'],
      external: ['./stock-exporters.js'],
      plugins: [moduleHooks(root), inlineConventions(root), leaveOutDetectors()],
    }),
    await buildInstrumentationChunks({ ...common, plugins: [inlineConventions(root)] }, root, join(dist, 'agent/instrumentations')),
    await buildParts({ ...common, plugins: [inlineConventions(root), leaveOutDetectors()] }, join(dist, 'agent')),
  );
}

// Exporting from inside the application: bundles of their own, loaded by the agent only where that is asked for.
for (const [name, file] of Object.entries(present({ 'stock-exporters': 'src/agent/in-process/stock-exporters.ts', 'in-process': 'src/register/in-process.ts' }))) {
  results.push(
    await build({
      ...common,
      entryPoints: { [name]: file },
      outdir: join(dist, 'agent'),
      format: 'cjs',
      mainFields: ['main', 'module'],
      external: ['./agent.js'],
      plugins: [configWithoutCode()],
    }),
  );
}

// What runs before the bundle must be parsed by any Node: copied, never compiled.
for (const [from, to] of [
  ['src/agent/register.js', 'agent/register.js'],
  ['src/agent/package.json', 'agent/package.json'],
]) {
  if (!existsSync(join(root, from))) continue;
  mkdirSync(dirname(join(dist, to)), { recursive: true });
  cpSync(join(root, from), join(dist, to));
}

if (existsSync(join(root, 'src/agent/esm-hook.mts'))) {
  results.push(
    await build({
      ...common,
      entryPoints: { 'esm-hook': 'src/agent/esm-hook.mts' },
      outdir: join(dist, 'agent'),
      outExtension: { '.js': '.mjs' },
      format: 'esm',
    }),
  );
}

const metafiles = results.map((result) => result.metafile);
assertNoTwins(metafiles, root);
assertResolved(metafiles, SHARED);
writeLicences(metafiles, root, join(root, 'THIRD-PARTY-LICENSES.txt'));
writeFileSync(join(dist, 'meta.json'), JSON.stringify(metafiles.map((meta) => Object.fromEntries(Object.entries(meta.outputs).map(([file, { bytes }]) => [relative(relative(root, dist), file), bytes])))));

writeContents(dist);

putInPlace(join(root, 'dist'));

function putInPlace(place) {
  const old = `${dist}-old`;
  if (existsSync(place)) renameSync(place, old);
  renameSync(dist, place);
  rmSync(old, { recursive: true, force: true });
}

/** A part that is not written yet leaves the others to be built. */
function present(entryPoints) {
  return Object.fromEntries(Object.entries(entryPoints).filter(([, file]) => existsSync(join(root, file))));
}

/** What the launcher copies where what is installed could go away: src/launch/program-place.ts. */
function writeContents(dir) {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .filter((file) => file !== 'meta.json' && file !== 'cli.js')
    .sort();
  const hash = createHash('sha256');
  const sizes = {};
  for (const file of files) {
    const bytes = readFileSync(join(dir, file));
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
    sizes[file] = bytes.length;
  }
  writeFileSync(join(dir, 'contents.json'), JSON.stringify({ key: `${version}-${hash.digest('hex').slice(0, 12)}`, files: sizes }));
}
