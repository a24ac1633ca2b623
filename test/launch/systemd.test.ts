/** Services of a real systemd: who is its main process, whose notifications count, what a stop sends, and which ending it sees. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { cleanEnv, launcher } from '../harness/run.ts';
import { hasSystemd, runServices, type Service } from '../harness/systemd.ts';

const script = fileURLToPath(new URL('../fixtures/launch/notifies.cjs', import.meta.url));

interface Wishes {
  readonly through: 'plain node' | 'replace' | 'parent';
  readonly notifyAccess: 'main' | 'all';
  readonly fails?: boolean;
  readonly startSeconds?: number;
}

function service({ through, notifyAccess, fails = false, startSeconds = 40 }: Wishes): Service {
  const env = cleanEnv({ OTEL_RUN_WAIT: String(through === 'parent'), OTEL_RUN_DRAIN_UNREACHED: '1', ...(fails ? { FAILS: '1' } : {}) });
  const words = through === 'plain node' ? [script] : [launcher, process.execPath, script];
  return {
    command: [process.execPath, ...words].join(' '),
    settings: [
      ...Object.entries(env).map(([name, value]) => `Environment="${name}=${value}"`),
      'Type=notify',
      'WatchdogSec=60',
      `TimeoutStartSec=${startSeconds}`,
      `NotifyAccess=${notifyAccess}`,
      `ExecStartPost=/bin/sh -c 'echo "$NAME: started, main process $MAINPID" >> $RESULTS'`,
      `ExecStopPost=/bin/sh -c 'echo "$NAME: $SERVICE_RESULT, $EXIT_CODE $EXIT_STATUS" >> $RESULTS'`,
    ],
  };
}

// Skipped where there is no systemd, or where this user may make no namespaces: nothing else judges notifications as it does.
it.skipIf(!hasSystemd)('ready, a stop and a failure', { timeout: 60_000 }, async () => {
  const services = {
    plain: service({ through: 'plain node', notifyAccess: 'main' }),
    replace: service({ through: 'replace', notifyAccess: 'main' }),
    parent: service({ through: 'parent', notifyAccess: 'all' }),
    unheard: service({ through: 'parent', notifyAccess: 'main', startSeconds: 4 }),
    plainFails: service({ through: 'plain node', notifyAccess: 'main', fails: true }),
    replaceFails: service({ through: 'replace', notifyAccess: 'main', fails: true }),
    parentFails: service({ through: 'parent', notifyAccess: 'all', fails: true }),
  };
  const results = await runServices(services, (said) => said.match(/: started/g)?.length === 6 && said.match(/(?:Fails|unheard): \S+, \S+ \d+$/gm)?.length === 4, 45_000);
  const of = (name: string): string[] => results.split('\n').flatMap((line) => (line.startsWith(`${name}: `) ? [line.slice(name.length + 2)] : []));
  const pidOf = (name: string): string => /^is (\d+)/.exec(of(name)[0]!)![1]!;
  const course = (name: string): string[] => of(name).map((line) => line.replace(/\d+/, (pid) => (pid === pidOf(name) ? 'its own' : pid))).sort();

  const served = ['success, exited 0', 'has notified', 'is its own with its watchdog', 'started, main process its own', 'told {"SIGTERM":1,"SIGCONT":1}'].sort();
  expect(course('plain')).toEqual(served);
  expect(course('replace')).toEqual(served);
  // On a machine that is so busy that systemd pauses between two processes of a unit, it comes more than once.
  const behind = (lines: string[]): string[] => lines.map((line) => line.replace(/process (?:\d+|its own)$/, 'process').replace(/^told .*/, 'told'));
  expect(behind(course('parent'))).toEqual(behind(served));
  expect(of('parent').join()).not.toContain(`main process ${pidOf('parent')}`);
  for (const name of ['plainFails', 'replaceFails', 'parentFails']) expect(of(name), name).toContain('exit-code, exited 7');
  // With this the docs say what such a unit needs.
  expect(of('unheard')).toContainEqual(expect.stringMatching(/^timeout, /));
});
