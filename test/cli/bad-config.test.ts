/** A config file that is broken in every way: one clear line for each fault, and the application runs as under plain node. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import { launcher, plainNode, startPlainNode, type RunResult } from '../harness/run.ts';
import { isRoot } from '../harness/users.ts';

const node = nodes.node24!;
const script = 'process.stdout.write(`ran ${process.argv.length}`); process.exitCode = 7;';
const name = 'otel-run.config.yaml';

let home: string;
let plain: RunResult;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'bad-config-'));
  plain = await plainNode({ node, args: ['-e', script], cwd: home });
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

let projects = 0;
function makeProject(files: Readonly<Record<string, string | Buffer>>): string {
  const dir = join(home, String(projects++));
  for (const [file, content] of Object.entries({ '.git/HEAD': '', ...files })) {
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    writeFileSync(join(dir, file), content);
  }
  return dir;
}

const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le');

test.each<[string, Readonly<Record<string, string | Buffer>> | ((dir: string) => void), RegExp | null]>([
  ['a syntax error', { [name]: 'environment: a\ntraces: [1\n' }, /^otel-run\.config\.yaml:3:1: Flow sequence .*; the file is not used$/],
  ['a tab', { [name]: 'otlp:\n\tendpoint: x\n' }, /^otel-run\.config\.yaml:2:1: Tabs are not allowed as indentation; the file is not used$/],
  ['JSON with an error', { 'otel-run.config.json': '{\n  "environment": "a"\n  "service": 1\n}' }, /^otel-run\.config\.json:3:3: .*; the file is not used$/],
  ['a value of a wrong type', { [name]: '\nspool: { size: lots }\n' }, /^otel-run\.config\.yaml:2:16 spool\.size: 'lots' is no number of bytes .*; it is not used; for instance 64MiB$/],
  ['a list for a map', { [name]: 'resource: [a]\n' }, /^otel-run\.config\.yaml:1:11 resource: expected names with values; it is not used$/],
  ['a value for a branch', { [name]: 'traces: 5\n' }, /^otel-run\.config\.yaml:1:1: 'traces' holds further keys, no value; it is not used; one of /],
  ['an unknown key', { [name]: '# ours\nenvironmnt: a\n' }, /^otel-run\.config\.yaml:2:1: unknown key 'environmnt'; it is not used; did you mean 'environment'\?$/],
  ['the same key twice', { [name]: 'environment: a\nenvironment: b\n' }, /^otel-run\.config\.yaml:2:1: the key 'environment' stands twice; the file is not used$/],
  ['a key with escapes', { [name]: '"\\e]0;x\\a": 1\n' }, /^otel-run\.config\.yaml:1:1: unknown key '[^\x00-\x1f\x7f]*'; it is not used/],
  ['nothing in it', { [name]: '' }, null],
  ['a NUL', { [name]: 'service:\n  name: a\0b\n' }, /^otel-run\.config\.yaml:2:10: a NUL, so no text; the file is not used$/],
  ['nothing but NULs, as behind a crash', { [name]: Buffer.alloc(4096) }, /^otel-run\.config\.yaml:1:1: a NUL, so no text; the file is not used$/],
  ['UTF-16', { [name]: utf16('environment: a\n') }, /^otel-run\.config\.yaml:1:1: UTF-16, and not UTF-8; the file is not used$/],
  ['Latin 1', { [name]: Buffer.from('a: 1\nenvironment: caf\xe9\n', 'latin1') }, /^otel-run\.config\.yaml:2:17: not UTF-8; the file is not used$/],
  ['a folder', (dir) => mkdirSync(join(dir, name)), /^otel-run\.config\.yaml: is a folder; it is not used$/],
  ['a pipe', (dir) => execFileSync('mkfifo', [join(dir, name)]), /^otel-run\.config\.yaml: is no regular file; it is not used$/],
  ['a link to what never ends', (dir) => symlinkSync('/dev/zero', join(dir, name)), /^otel-run\.config\.yaml: is no regular file; it is not used$/],
  ['a link to itself', (dir) => symlinkSync(name, join(dir, name)), /^otel-run\.config\.yaml: cannot be read \(ELOOP\); it is not used$/],
  ['100 MB', (dir) => (writeFileSync(join(dir, name), 'environment: a\n'), truncateSync(join(dir, name), 100 * 1024 ** 2)), /^otel-run\.config\.yaml: is larger than 1 MiB; it is not used$/],
  ['no permission to read it', (dir) => (writeFileSync(join(dir, name), 'environment: a\n'), chmodSync(join(dir, name), 0)), /^otel-run\.config\.yaml: cannot be read \(EACCES\); it is not used$/],
])('%s', async (_, content, line) => {
  const cwd = makeProject(typeof content === 'function' ? {} : content);
  if (typeof content === 'function') content(cwd);
  const { stdout, stderr, exitCode, signal } = await run(['--traces', 'none'], cwd);
  expect({ stdout, exitCode, signal }).toEqual({ stdout: plain.stdout, exitCode: plain.exitCode, signal: plain.signal });
  const lines = stderr.split('\n').filter((text) => text !== '');
  expect(lines).toEqual(line === null ? [] : [expect.stringMatching(new RegExp(line.source.replace('^', '^otel-run: ')))]);
});

// Node itself waits for one where it looks for the kind of a module: the command is none of Node's.
test('a pipe for a package.json further up is not waited for', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'bad-config-'));
  const cwd = join(dir, 'work');
  try {
    mkdirSync(cwd);
    execFileSync('mkfifo', [join(dir, 'package.json')]);
    const { stdout, stderr, exitCode } = await startPlainNode({ node, args: [launcher, '--traces', 'console', 'sh', '-c', 'printf ran; exit 7'], cwd, env: { HOME: home } }).ended;
    expect([exitCode, stdout, stderr]).toEqual([7, 'ran', '']);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('with --strict the application does not start', async () => {
  const { exitCode, stdout, stderr } = await run(['--strict'], makeProject({ [name]: 'traces: [1\n' }));
  expect([exitCode, stdout, stderr]).toEqual([125, '', expect.stringMatching(/^otel-run: otel-run\.config\.yaml:2:1: .*; the file is not used\n/)]);
});

test('a file that others may write is not used, with what to do; by its name it is', async () => {
  const cwd = makeProject({ [name]: 'environment: theirs\n' });
  chmodSync(join(cwd, name), 0o666);
  const found = await run(['--traces', 'none'], cwd);
  const path = join(cwd, name);
  expect([found.exitCode, found.stdout, found.stderr]).toEqual([7, plain.stdout, `otel-run: ${name}: others may write '${path}'; it is not used; chmod o-w '${path}', or name it: --config '${path}'\n`]);
  const named = await run(['--traces', 'none', '--config', path], cwd);
  expect([named.exitCode, named.stdout, named.stderr]).toEqual([7, plain.stdout, `otel-run: --config: others may write '${path}'; it is used because it was named; chmod o-w '${path}'\n`]);
});

/** Of root without what lets it read everything. */
function run(options: readonly string[], cwd: string): Promise<RunResult> {
  const around = isRoot ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : [];
  const [command, ...args] = [...around, node, launcher, ...options, node, '-e', script];
  return startPlainNode({ node: command!, args, cwd, env: { HOME: home } }).ended;
}
