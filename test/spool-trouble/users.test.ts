/** Rows 32 and 40: the launcher is root and the application is not, or nobody knows the user. */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import { NOBODYS_UID, isRoot } from '../harness/users.ts';
import { expectAccounted, expectAll, installBelow, play, playPlain, publicPlace, type Play } from './account.ts';

const [oldest, newest] = [nodes.node20min!, nodes.node26!];
const place = publicPlace([oldest, newest]);
const [oldNode, newNode] = place.nodes as [string, string];
const asNobody = ['setpriv', `--reuid=${NOBODYS_UID}`, `--regid=${NOBODYS_UID}`, '--clear-groups'];
// As /dev/shm is.
chmodSync(process.env.OTEL_RUN_SPOOL_DIR!, 0o1777);
const base: Pick<Play, 'launcher' | 'app' | 'last'> = { launcher: place.launcher, app: place.app, last: 400 };

// Skipped for other users than root: they cannot become anybody else.
describe.skipIf(!isRoot)('users', () => {
  describe.each([['oldest Node', oldNode], ['newest Node', newNode]])('%s', (_, node) => {
    test('an entry point that changes the user, as gosu does: all delivered', async () => {
      expectAll(await play({ ...base, node, inside: asNobody }), 400);
    });

    test.each(node === oldNode ? (['parent'] as const) : (['parent', 'replace'] as const))('setuid() in the application: all delivered, %s', async (topology) => {
      expectAll(await play({ ...base, node, topology, what: ['setuid', String(NOBODYS_UID)] }), 400);
    });

    test('a user that nobody knows, without a home: all delivered', async () => {
      expectAll(await play({ ...base, node, around: asNobody, env: { HOME: undefined, XDG_STATE_HOME: undefined } }), 400);
    });
  });

  test('a user without a home, and a backend that is down: nothing can be kept, all is counted', async () => {
    const played = await play({ ...base, node: newNode, around: asNobody, env: { HOME: undefined, XDG_STATE_HOME: undefined }, noBackend: true });
    expectAccounted(played, 400);
    expect(played.told).toBe(400);
  });

  test('root without the capability to read what is not its own: all delivered', async () => {
    const without = ['setpriv', '--bounding-set=-dac_override,-dac_read_search,-fowner,-sys_ptrace', '--inh-caps=-all'];
    expectAll(await play({ ...base, node: newNode, around: without, inside: asNobody }), 400);
  });

  test('an agent that the new user may not read is loaded from a copy', async () => {
    const closed = join(place.dir, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    expectAll(await play({ ...base, launcher: installBelow(closed), node: newNode, inside: asNobody }), 400);
  });

  describe('of an ordinary user, by a program that changes the user', () => {
    const change = join(place.dir, 'change-user');
    beforeAll(() => {
      copyFileSync('/usr/bin/setpriv', change);
      chmodSync(change, 0o4755);
    });
    // Skipped where the temporary directory is mounted without set-user-id programs.
    test('what cannot be handed over is counted in one line', async (context) => {
      context.skip(spawnSync('setpriv', [`--reuid=${NOBODYS_UID}`, '--clear-groups', change, '--reuid=1', 'true']).status !== 0);
      const inside = [change, `--reuid=${NOBODYS_UID + 1}`];
      const played = await play({ ...base, node: newNode, around: asNobody, inside });
      expectAccounted(played, 400);
      expect(played.told).toBe(400);
      expect(played.result.stderr).toMatch(/^otel-run: process \d+ could not hand over 400 spans \(spool: EACCES\): they are lost\n$/);
      const plain = await playPlain({ ...base, node: newNode, around: asNobody, inside });
      expect({ ...played.result, stderr: '', pid: 0 }).toEqual({ ...plain, pid: 0 });
    });
  });

  test('an application of another user cannot lead the exporter astray', async () => {
    const played = await play({ ...base, node: newNode, inside: asNobody, what: ['plant'] });
    expectAll(played, 400);
    expect(played.result.stdout).toBe('exporter.json.new not allowed\nnotices not allowed\nx.seg not allowed\ndone\n');
  });
});
