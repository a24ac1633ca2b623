/**
 * A process that writes numbered spans to a spool and ends in a given way; stands for an application with the agent.
 * `node writer.js '{"dir":…,"from":1,"to":100,"ending":"close"}'`; says `written` on stdout.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Signal } from '../../src/spool/frame.ts';
import { currentOwner } from '../../src/spool/owner.ts';
import { createSegmentWriter } from '../../src/spool/segment-writer.ts';
import { resourceFields, scopeFields, spanField } from './spans.ts';

export interface WriterTask {
  readonly dir: string;
  readonly from: number;
  readonly to: number;
  /** `close`: as an agent at a natural end. `kill`: SIGKILL without another word. `stay`: waits for the end of stdin. */
  readonly ending: 'close' | 'kill' | 'stay';
  readonly service?: string;
  readonly scopes?: number;
  readonly padding?: number;
  /** Spans between two flushes. */
  readonly perTurn?: number;
  readonly pauseMs?: number;
  readonly capBytes?: number;
  readonly segmentBytes?: number;
}

const task = JSON.parse(process.argv[2]!) as WriterTask;
const { dir, from, to, ending, service = 'writer', scopes = 1, padding = 0, perTurn = 20, pauseMs = 0 } = task;
const writer = createSegmentWriter({
  dir,
  owner: currentOwner(0),
  resource: resourceFields(service),
  capBytes: task.capBytes ?? 64 * 1024 * 1024,
  ...(task.segmentBytes === undefined ? {} : { segmentBytes: task.segmentBytes }),
});
const numbers = Array.from({ length: scopes }, (_, i) => writer.defineScope(scopeFields(`scope ${i}`)));
for (let n = from; n <= to; n++) {
  writer.append(Signal.traces, numbers[n % scopes]!, spanField(n, padding));
  if ((n - from) % perTurn !== perTurn - 1) continue;
  writer.flush();
  if (pauseMs > 0) await delay(pauseMs);
}
writer.flush();
if (ending === 'close') writer.close();
process.stdout.write('written\n', () => {
  if (ending === 'kill') process.kill(process.pid, 'SIGKILL');
});
if (ending === 'stay') {
  process.stdin.resume();
  process.stdin.on('end', () => writer.close());
}
