/** Small modules of each known shape are described alike under plain Node and under otel-run. */
import { cpSync, existsSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import { both, differences, linesOf } from './compare.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'otel-run-modules-')));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The floor, the oldest line with synchronous hooks, and the newest; elsewhere what there is. */
const lines = linesOf('node20min', 'node22', 'node26');

/** With openai among the packages, the hooks for ES modules are at work too. */
const places = { 'no ES module is wanted': prepare('plain', false), 'hooks for ES modules': prepare('hooked', true) };

/** What differs everywhere: the prototype of `require.cache`, Node's own notes of resolved files, and `Worker`, which the agent replaces. */
const LET_DIFFER = [
  /^builtin (?:import )?node:module > (?:\.Module)?\._(?:cache|cache\/proto|pathCache(?:\..*)?)$/s,
  /^builtin (?:import )?node:worker_threads > \.Worker(?:$|\.prototype\.constructor$)/,
];

/**
 * What differs besides where hooks for ES modules are registered: Node then keeps two more symbols on each module,
 * takes another way to the same error, and (asynchronous hooks) hands on errors of another thread as copies.
 */
const LET_DIFFER_WITH_HOOKS = [
  /^builtin (?:import )?node:module > (?:\.Module)?\._cache\./s,
  /^cache .* > 3 > \d+$/,
  / > stack$/,
  /^(?:require|import) \.\/failing\/no-such-name-cjs\.mjs > (?:string|\.message)$/,
  /^(?:require|import) openai > .*\.prototype\.create(?:\.__(?:original|unwrap|wrapped).*)?$/s,
];
const COPIED_ERRORS = /^import .* > (?:string|throws|stack|keys > \d+|\.message|\.name|\.code|\.Symbol\(Symbol\.toStringTag\)|)$/;

describe.each(Object.entries(places))('%s', (_, cwd) => {
  describe.each(['probe.cjs', 'probe.mjs'])('%s', (program) => {
    it.each(lines)('%s', { timeout: 120_000 }, async (name) => {
      const witness = join(scratch, `${name}-${program}-${cwd.length}`);
      const [plain, ours] = await both(nodes[name]!, [program], cwd, { PROBE_WITNESS: witness });
      expect(existsSync(witness)).toBe(true);
      expect([ours.exitCode, ours.stderr]).toEqual([plain.exitCode, plain.stderr]);
      const [expected, found] = [JSON.parse(plain.stdout), JSON.parse(ours.stdout)] as const;
      expect(Object.keys(expected as object).length).toBeGreaterThan(200);
      const isHooked = cwd === places['hooks for ES modules'];
      const allowed = [...LET_DIFFER, ...(isHooked ? LET_DIFFER_WITH_HOOKS : []), ...(isHooked && name === 'node20min' ? [COPIED_ERRORS] : [])];
      const differing = [...differences('', expected, found)].filter((path) => !allowed.some((pattern) => pattern.test(path)));
      expect(differing).toEqual([]);
    });
  });
});

/** Programs of which all output and the ending count. */
const programs: readonly (readonly string[])[] = [
  ...['throws.cjs', 'throws.mjs', 'requires-throwing.cjs', 'syntax.cjs', 'requires-syntax.cjs', 'imports-syntax.mjs', 'no-such-name-cjs.mjs'].map((name) => [`failing/${name}`]),
  ...['missing.mjs', 'missing.cjs', 'requires-json.cjs', 'imports-json.mjs', 'rejects.cjs', 'esm-in-cjs.cjs', 'after-http.cjs', 'stack.ts'].map((name) => [`failing/${name}`]),
  ['no-such-file.cjs'],
  ['--check', 'ok.cjs'],
  ['--check', 'failing/syntax.cjs'],
  ['ok.cjs'],
  ['--eval', 'console.log(typeof require, module.id, module.paths.length, Object.keys(require.cache)); null.x'],
  ['--input-type=module', '--eval', 'import "./names/stars.mjs"; console.log(import.meta.url); null.x'],
  ['--preserve-symlinks', '--preserve-symlinks-main', '--print', 'require("linked").filename'],
  ['--conditions=special', '--print', 'require("conditions/custom").file'],
  ['--no-warnings', '--experimental-wasm-modules', 'mixed/wasm.mjs'],
  ['--no-warnings', '--experimental-strip-types', 'typed/strips.mts'],
  ['--no-warnings', '--experimental-strip-types', 'typed/strips.cts'],
];

describe('output and ending', () => {
  const cwd = places['no ES module is wanted'];
  it.each(lines.flatMap((name) => programs.map((args) => [`${name} ${args.join(' ')}`, nodes[name]!, args] as const)))('%s', { timeout: 60_000 }, async (_, node, args) => {
    const [plain, ours] = await both(node, args, cwd, {});
    expect([ours.exitCode, ours.signal, ours.stdout, ours.stderr]).toEqual([plain.exitCode, plain.signal, plain.stdout, plain.stderr]);
  });
});

function prepare(name: string, withOpenai: boolean): string {
  const dir = join(scratch, name);
  cpSync(join(here, 'shapes'), dir, { recursive: true });
  cpSync(join(here, 'describe.cjs'), join(dir, 'describe.cjs'));
  renameSync(join(dir, 'packages'), join(dir, 'node_modules'));
  renameSync(join(dir, 'node_modules/linked'), join(dir, 'linked-elsewhere'));
  symlinkSync('../linked-elsewhere', join(dir, 'node_modules/linked'));
  if (withOpenai) renameSync(join(dir, 'with-openai/openai'), join(dir, 'node_modules/openai'));
  return dir;
}
