import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanEnv, otelRun, plainNode } from '../harness/run.ts';

let dir: string;
let env: Record<string, string>;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'otel-run-grammar-'));
  mkdirSync(join(dir, 'bin'));
  for (const name of ['init', 'run', 'help', 'tool']) {
    writeFileSync(join(dir, 'bin', name), `#!${process.execPath}\nconsole.log(JSON.stringify(['${name}', ...process.argv.slice(2)]));\n`);
    chmodSync(join(dir, 'bin', name), 0o755);
  }
  writeFileSync(join(dir, 'bin', 'closed'), '');
  writeFileSync(join(dir, 'jobs.mjs'), '');
  writeFileSync(join(dir, 'package.json'), '{"scripts":{"dev":"tsx watch"}}');
  for (const ext of ['js', 'mjs', 'cjs']) writeFileSync(join(dir, `script.${ext}`), 'console.log(JSON.stringify(process.argv.slice(2)));\n');
  env = { PATH: `${join(dir, 'bin')}:${cleanEnv().PATH}` };
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('the command line', () => {
  it.each<[args: string[], said: string[]]>([
    [['tool'], ['tool']],
    [['tool', '--print', '--', '--help', '', 'a b', '"c"', "d'e", '$HOME', '*', '\\'], ['tool', '--print', '--', '--help', '', 'a b', '"c"', "d'e", '$HOME', '*', '\\']],
    [['--quiet', 'tool', '--quiet'], ['tool', '--quiet']],
    [['--service-name', 'tool', 'tool', 'x'], ['tool', 'x']],
    [['--service-name=a', '--no-config', '--no-instrument', 'fs', '--', 'tool'], ['tool']],
    [['--', 'init', '--yes'], ['init', '--yes']],
    [['run', 'init'], ['init']],
    [['run', 'run', 'run'], ['run', 'run']],
    [['--quiet', 'run', '--no-config', 'help'], ['help']],
    [['run', '--', 'run'], ['run']],
    [['script.js', '--print'], ['--print']],
    [['script.mjs', 'x'], ['x']],
    [['script.cjs', 'x'], ['x']],
    [['./script.js', 'x'], ['x']],
    [['node', 'script.js', 'x'], ['x']],
  ])('%j', async (args, said) => {
    const { stdout, stderr, exitCode } = await otelRun({ args, env, cwd: dir });
    expect({ stdout, stderr, exitCode }).toEqual({ stdout: `${JSON.stringify(said)}\n`, stderr: '', exitCode: 0 });
  });

  it('runs a script by the Node that runs otel-run where PATH has none', async () => {
    const { stdout } = await otelRun({ args: ['script.js', 'x'], env: { PATH: join(dir, 'bin') }, cwd: dir });
    expect(stdout).toBe('["x"]\n');
  });

  it.each<[args: string[], exitCode: number, stderr: RegExp]>([
    [['absent-program'], 127, /^otel-run: absent-program: command not found\n$/],
    [['npm start'], 127, /^otel-run: npm start: command not found\notel-run: the words of a command are words of their own: leave the quotes out \(otel-run npm start\)\n$/],
    [['traces', '--nonsense'], 125, /^otel-run: unknown option '--nonsense'\notel-run: usage: otel-run traces /],
    [['statsu'], 127, /^otel-run: statsu: command not found\notel-run: did you mean otel-run status\?\n$/],
    [['jobs'], 127, /^otel-run: jobs: command not found\notel-run: did you mean jobs\.mjs\?\n$/],
    [['dev'], 127, /^otel-run: dev: command not found\notel-run: the script of package\.json is run by: otel-run npm run dev\n$/],
    [['--endpoint', 'node', 'server'], 127, /^otel-run: server: command not found\notel-run: --endpoint has taken node as its value\n$/],
    [['./absent.js'], 127, /^otel-run: \.\/absent\.js: command not found\n$/],
    [['closed'], 126, /^otel-run: closed: permission denied \(.*\)\n$/],
    [['./bin'], 126, /^otel-run: \.\/bin: is a directory/],
    [[], 125, /^otel-run: no command was named\notel-run: usage: otel-run \[options\] \[--\] <command>/],
    [['--'], 125, /^otel-run: no command was named\n/],
    [['--nonsense', 'tool'], 125, /^otel-run: unknown option '--nonsense'\notel-run: usage: /],
    [['--prin', 'tool'], 125, /did you mean --print/i],
    [['--service-name'], 125, /^otel-run: .*--service-name <name>.*\notel-run: usage: /],
    [['--service-name', '--', 'tool'], 125, /^otel-run: --service-name needs a value, and -- is an option\notel-run: usage: /],
    [['--header', '--print', 'tool'], 125, /^otel-run: --header needs a value, and --print is an option\n/],
    [['--strict', '--sampler', 'sometimes', 'tool'], 125, /^otel-run: .*sometimes.*\notel-run: --strict: not started\n$/],
  ])('%j ends with %i', async (args, exitCode, stderr) => {
    const result = await otelRun({ args, env, cwd: dir });
    expect(result).toMatchObject({ exitCode, stdout: '', stderr: expect.stringMatching(stderr) });
  });

  it('says what is wrong with a setting, and runs the command', async () => {
    const { stdout, stderr, exitCode } = await otelRun({ args: ['--sampler', 'sometimes', 'tool'], env, cwd: dir });
    expect({ stdout, exitCode }).toEqual({ stdout: '["tool"]\n', exitCode: 0 });
    expect(stderr).toMatch(/^otel-run: --sampler.*sometimes.*\n$/);
  });

  it.each([['on', ''], ['please', "otel-run: OTEL_RUN_DISABLED: 'please' is neither true nor false; it counts as true\n"]])('OTEL_RUN_DISABLED=%s switches off', async (value, said) => {
    const { stdout, stderr, exitCode } = await otelRun({ args: ['node', '-p', 'process.env.NODE_OPTIONS'], env: { ...env, OTEL_RUN_DISABLED: value, OTEL_RUN_CONFIG: '/absent.yaml' }, cwd: dir });
    expect({ stdout, stderr, exitCode }).toEqual({ stdout: 'undefined\n', stderr: said, exitCode: 0 });
  });

  it('answers --version with the version alone', async () => {
    const { version } = await import('../../package.json', { with: { type: 'json' } }).then(({ default: manifest }) => manifest);
    expect(await otelRun({ args: ['--version'] })).toMatchObject({ stdout: `${version}\n`, stderr: '', exitCode: 0 });
  });

  it.each([['--help'], ['-h'], ['help'], ['--quiet --help node'], ['traces --help'], ['init -h'], ['drain --help'], ['purge --help']])('%s fits a screen and names every option', async (line) => {
    const { stdout, stderr, exitCode } = await otelRun({ args: line.split(' ') });
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    const lines = stdout.split('\n');
    expect(lines.length).toBeLessThanOrEqual(52);
    expect(lines.filter((text) => text.length > 80)).toEqual([]);
    const { flagTable } = await import('../../src/settings/flags.ts');
    expect(flagTable.filter(({ form }) => !stdout.includes(form))).toEqual([]);
  });

  it('runs nothing else than plain Node would', async () => {
    const args = ['-e', 'console.log(process.argv0, process.argv.length, process.execArgv)', 'x'];
    const plain = await plainNode({ args });
    // What the shell would have called it, and not a path of ours, is what the program sees.
    expect((await otelRun({ args: ['node', ...args] })).stdout).toBe(plain.stdout.replace(process.execPath, 'node'));
  });
});
