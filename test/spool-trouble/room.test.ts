/** Rows 22 and 40: little room or none, limits, errors, slow writes, and an application that takes the ground away. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import { launcher, plainNode } from '../harness/run.ts';
import { expectAccounted, expectAll, play, playPlain, type Play, type Played } from './account.ts';

const dir = mkdtempSync(join(tmpdir(), 'otel-run-room-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const mount = join(dir, 'mount');
mkdirSync(mount);

const canMount = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', mount]).status === 0;
const canTrace = spawnSync('strace', ['-e', 'trace=none', 'true']).status === 0;

/** The same with plain node ends the same and says the same on stdout. */
async function comparePlain(options: Play, { result }: Played): Promise<void> {
  const plain = await playPlain(options);
  expect({ stdout: result.stdout, exitCode: result.exitCode, signal: result.signal }).toEqual({ stdout: plain.stdout, exitCode: plain.exitCode, signal: plain.signal });
}

describe.each([['oldest Node', nodes.node20min!], ['newest Node', nodes.node26!]])('%s', (name, node) => {
  // Skipped where this user may not mount: a file system of a given size is made by nothing else.
  describe.skipIf(!canMount)('a memory file system', () => {
    const inside = (script: string, ...around: string[]): string[] => ['unshare', '-m', ...around, 'sh', '-c', `${script} && exec "$@"`, 'sh'];
    const ofSize = (size: string): Pick<Play, 'around' | 'env'> => ({ around: inside(`mount -t tmpfs -o size=${size} none ${mount}`), env: { OTEL_RUN_SPOOL_DIR: mount } });

    test('of 64 MB that is shared: all is delivered, and the application can still write there', async () => {
      const options: Play = { node, ...ofSize('64m'), last: 2000, what: ['write', mount, String(44 * 2 ** 20)] };
      const played = await play(options);
      expectAll(played, 2000);
      expect(played.result.stdout).toBe('wrote done\ndone\n');
    });

    test('of 1 MB: what does not fit is counted, to the last', async () => {
      const { around, env } = ofSize('1m');
      const options: Play = { node, around, last: 6000, env: { ...env, PADDING: '600' } };
      const played = await play(options);
      expectAccounted(played, 6000);
      expect(played.told).toBeGreaterThan(0);
      expect(played.delivered + played.kept).toBeGreaterThan(100);
      await comparePlain(options, played);
    });

    test('that the application fills up: the rest is counted', async () => {
      const { around, env } = ofSize('4m');
      const options: Play = { node, around, last: 6000, what: ['fill', mount], env: { ...env, PADDING: '600' } };
      const played = await play(options);
      expectAccounted(played, 6000);
      expect(played.told).toBeGreaterThan(0);
      expect(played.delivered + played.kept).toBeGreaterThan(100);
      await comparePlain(options, played);
    });

    test('that becomes read-only before the first span: all is counted in one line', async () => {
      const { around, env } = ofSize('4m');
      const options: Play = { node, around, env, inside: ['sh', '-c', `mount -o remount,ro ${mount}; exec "$@"`, 'sh'], last: 400 };
      const played = await play(options);
      expectAccounted(played, 400);
      expect(played.told).toBe(400);
    });

    const readOnly = ['/dev/shm', '/tmp', '/var/tmp'].map((place) => `mount --bind ${place} ${place} && mount -o remount,bind,ro ${place}`).join(' && ');

    test('a read-only system with a place of its own for temporary files: all is delivered', async () => {
      const around = inside(`${readOnly} && mount -t tmpfs -o size=64m none ${mount}`);
      expectAll(await play({ node, around, last: 400, env: { OTEL_RUN_SPOOL_DIR: undefined, TMPDIR: mount } }), 400);
    });

    test('a read-only system: the application runs without telemetry, and that is said', async () => {
      const options: Play = { node, around: inside(readOnly), last: 400, env: { OTEL_RUN_SPOOL_DIR: undefined, TMPDIR: '/tmp' } };
      const played = await play(options);
      expect(played.result.stderr).toMatch(/^otel-run: the application runs without telemetry: none of \/dev\/shm, .*\n$/);
      await comparePlain(options, played);
    });
  });

  test('files of 40,000 bytes at most: all is delivered', async () => {
    const options: Play = { node, inside: ['prlimit', '--fsize=40000'], last: 2000 };
    const played = await play(options);
    expectAll(played, 2000);
    await comparePlain(options, played);
  });

  test('no files at all: all is counted in one line, and the application lives', async () => {
    const options: Play = { node, inside: ['prlimit', '--fsize=0'], last: 400 };
    const played = await play(options);
    expectAccounted(played, 400);
    expect(played.told).toBe(400);
    await comparePlain(options, played);
  });

  test('no more descriptors: what was opened before goes on', async () => {
    const options: Play = { node, inside: ['prlimit', '--nofile=64'], last: 2000, what: ['exhaust'] };
    const played = await play(options);
    expectAll(played, 2000);
    await comparePlain(options, played);
  });

  test('no descriptors from the start: all is counted in one line', async () => {
    const options: Play = { node, inside: ['prlimit', '--nofile=64'], last: 400, what: ['exhaust'], env: { FIRST_AFTER: '1' } };
    const played = await play(options);
    expectAccounted(played, 400);
    expect(played.told).toBe(400);
    await comparePlain(options, played);
  });

  test('an application that closes all descriptors: all is delivered, and its own files stay its own', async () => {
    const options: Play = { node, last: 2000, what: ['closeAll', dir] };
    const played = await play(options);
    expectAll(played, 2000);
    expect(played.result.stdout).toBe('done\n');
  });

  test('a working directory that is removed: all is delivered', async () => {
    const gone = join(dir, `gone-${name.slice(0, 6)}`);
    mkdirSync(gone);
    expectAll(await play({ node, last: 400, what: ['chdir', gone] }), 400);
  });
});

describe('newest Node', () => {
  const node = nodes.node26!;

  // Skipped where processes may not be traced: nothing else makes a sound disk fail.
  describe.skipIf(!canTrace)('a disk', () => {
    /** Writes to the first ten segments alone: their names are known, because the tracer leaves the process its number. */
    const failing = (how: string): string[] => ['sh', '-c', `${segments}; exec strace -D -f -qq -o /dev/null $paths -e trace=write -e inject=write:${how} "$@"`, 'sh'];
    const segments = [
      'dir=$(printf %s "$OTEL_RUN_PLAN" | sed \'s/.*"dir":"\\([^"]*\\)".*/\\1/\')',
      'start=$(cut -d " " -f 22 /proc/$$/stat)',
      'paths=$(for n in 0 1 2 3 4 5 6 7 8 9; do printf " -P %s/%s-0-%s-%s.seg" "$dir" $$ $start $n; done)',
    ].join('; ');

    test('that fails: all is counted in one line', async () => {
      const options: Play = { node, inside: failing('error=EIO'), last: 400 };
      const played = await play(options);
      expectAccounted(played, 400);
      expect(played.told).toBe(400);
      expect(played.result).toMatchObject({ stdout: 'done\n', exitCode: 0 });
    });

    test('that takes 0.3 s for each write does not hold the application up for each', async () => {
      const began = performance.now();
      const played = await play({ node, inside: failing('delay_enter=300000'), last: 8000 });
      expectAll(played, 8000);
      expect(performance.now() - began).toBeLessThan(7000); // forty turns, each of which finishes something
    });
  });
});

// Skipped where this user may not mount: the system's libraries must be below the new root.
describe.skipIf(!canMount)('chroot', () => {
  const root = join(dir, 'root');
  const script = `mkdir -p ${root}/usr && mount --bind /usr ${root}/usr && for link in bin lib lib64; do ln -sfn usr/$link ${root}/$link; done && cp ${nodes.node24!} ${root}/node && exec "$@"`;
  test.each([
    ['behind otel-run: the application runs, and that it has no telemetry is said', ['chroot', root, '/node', '-p', '1 + 1'], /^otel-run: the application runs without telemetry: chroot hides the agent, .*\n$/],
    ['to the same root: as ever', ['chroot', '/', nodes.node24!, '-p', '1 + 1'], /^$/],
  ])('%s', async (_, command, said) => {
    const result = await plainNode({ node: 'unshare', args: ['-m', 'sh', '-c', script, 'sh', nodes.node24!, launcher, '--endpoint', 'http://127.0.0.1:9', ...command] });
    expect(result).toMatchObject({ stdout: '2\n', stderr: expect.stringMatching(said), exitCode: 0 });
  });
});
