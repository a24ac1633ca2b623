/** Rows 1 to 12: every way a process can end, with a backend that is well. */
import type { Contender } from '../../contenders.mjs';
import type { Row, Running } from '../types.ts';

const signal = (name: NodeJS.Signals, to: (running: Running) => number) => async (running: Running): Promise<void> => {
  await running.said('ready');
  running.ending();
  process.kill(to(running), name);
};
const leader = ({ pid }: Running): number => pid;
const group = ({ pid }: Running): number => -pid;
const application = (running: Running): number => running.application();

/** In the other topology the launcher is the application. */
const hasNoLauncher = ({ name }: Contender): boolean => name !== 'otel-run (parent)';

const killLauncher = (afterMs: number) => async (running: Running): Promise<void> => {
  await running.said('ready');
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  process.kill(running.pid, 'SIGKILL');
  process.kill(running.application(), 'SIGTERM');
};

export const endings: readonly Row[] = [
  { number: '1', inReadme: true, fault: 'natural end', program: ['natural'] },
  { number: '2a', inReadme: true, fault: '`process.exit(0)` at once', program: ['exitNow'] },
  { number: '2b', fault: '`process.exit(3)` later', program: ['exitLater'] },
  { number: '3', inReadme: true, fault: 'uncaught exception', program: ['throws'] },
  { number: '4', fault: 'unhandled rejection', program: ['rejects'] },
  { number: '5', inReadme: true, fault: 'SIGTERM to a server without a handler', program: ['serves'], inject: signal('SIGTERM', leader) },
  { number: '6', inReadme: true, fault: 'SIGTERM, the server closes and exits', program: ['closes'], inject: signal('SIGTERM', leader) },
  { number: '7a', fault: 'Ctrl-C: SIGINT to the group', program: ['serves'], inject: signal('SIGINT', group) },
  { number: '7b', fault: 'SIGHUP', program: ['serves'], inject: signal('SIGHUP', leader) },
  { number: '8', inReadme: true, fault: 'SIGKILL to the application', program: ['stays'], inject: signal('SIGKILL', application) },
  { number: '9', inReadme: true, fault: '`process.abort()`', program: ['aborts'] },
  { number: '10', inReadme: true, fault: 'heap out of memory', program: ['runsOutOfMemory'], nodeOptions: ['--max-old-space-size=60'], delayMs: 1000 },
  { number: '11a', fault: 'SIGKILL to the launcher; the application goes on, and closes on SIGTERM', program: ['closes'], not: hasNoLauncher, inject: killLauncher(1500) },
  { number: '11b', fault: 'the same in the launcher’s first 0.3 s', program: ['closes'], not: hasNoLauncher, inject: killLauncher(0) },
  { number: '12', inReadme: true, fault: 'burst in one turn', program: ['burst'], spans: 20_000, delayMs: 2000 },
];
