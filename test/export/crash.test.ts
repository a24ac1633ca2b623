/** What is a crash, by what is known of a process that is gone; and notes of whoever may write into a spool. */
import { expect, test } from 'vitest';
import { judgeEnding, noLife, readLife, type Crash, type Life } from '../../src/export/crash.ts';
import { collectEndings } from '../../src/export/endings.ts';
import type { LifeNote } from '../../src/spool/frame.ts';

const exception = { type: 'Error', message: 'no', stacktrace: 'Error: no', isRejection: false };
const NOW = 1_000_000;

function lifeOf(...notes: readonly Partial<LifeNote>[]): Life {
  const life = noLife();
  readLife(life, Buffer.from(notes.map((note) => `${JSON.stringify({ at: NOW, ...note })}\n`).join('')), () => {}, 7);
  return life;
}

const judge = (notes: readonly Partial<LifeNote>[], how: Partial<Parameters<typeof judgeEnding>[1]>): Crash | null =>
  judgeEnding(lifeOf(...notes), { pid: 7, isOver: false, endedAt: NOW, ending: null, wasTold: false, spans: [], ...how });

test.each<[what: string, notes: readonly Partial<LifeNote>[], how: Partial<Parameters<typeof judgeEnding>[1]>, crash: Partial<Crash> | null]>([
  ['it has said that nothing follows', [{}], { isOver: true }, null],
  ['it has ended by an exception', [{ exception }, { crash: { code: 1, open: 2, openSpans: ['a', 'b'] } }], { isOver: true }, { cause: 'uncaught exception', code: 1, open: 2, openSpans: ['a', 'b'], exception: { ...exception } }],
  ['it has survived an exception', [{ exception }], { isOver: true }, null],
  ['gone without a word', [], {}, { cause: 'killed', signal: null, code: null, exception: null }],
  ['gone without a word, at a terminal', [{ terminal: true, memory: { rss: 1, heapUsed: 1 } }], {}, null],
  ['gone without a word, and the run was told to end', [], { wasTold: true }, null],
  ['SIGSEGV, says who waited, though at a terminal', [{ terminal: true }], { ending: { code: null, signal: 'SIGSEGV' } }, { cause: 'signal', signal: 'SIGSEGV' }],
  ['SIGHUP, says who waited', [], { ending: { code: null, signal: 'SIGHUP' } }, null],
  ['a code, says who waited: Node ended without telling', [], { ending: { code: 9, signal: null } }, null],
  ['a code behind an exception that could not be told', [{ exception }], { ending: { code: 7, signal: null } }, { cause: 'uncaught exception', code: 7 }],
  ['an abort was its last word', [{ aborts: true }], {}, { cause: 'signal', signal: 'SIGABRT' }],
  ['it was about to end itself', [{ sends: { pid: 7, signal: 'SIGTERM' } }], {}, null],
  ['it had signalled somebody else', [{ sends: { pid: 8, signal: 'SIGTERM' } }], {}, { cause: 'killed' }],
  ['an exception of a while ago', [{ exception, at: NOW - 60_000 }], { ending: { code: null, signal: 'SIGKILL' } }, { cause: 'signal', signal: 'SIGKILL', exception: null }],
])('%s', (_, notes, how, crash) => {
  if (crash === null) expect(judge(notes, how)).toBeNull();
  else expect(judge(notes, how)).toMatchObject(crash);
});

test('whose spans are of one trace, the crash is of the last of them; else of none', () => {
  const span = (traceId: string, spanId: string) => ({ name: 'a', traceId, spanId });
  expect(judge([], { spans: [span('1', '1'), span('1', '2')] })!.span).toEqual({ traceId: '1', spanId: '2' });
  expect(judge([], { spans: [span('1', '1'), span('2', '2')] })!.span).toBeNull();
});

test.each([
  ['no JSON', '{'],
  ['no object', '7\nnull\n'],
  ['a memory that is none', '{"memory":7}'],
  ['an exception of numbers', '{"exception":{"type":1,"message":{},"stacktrace":[],"traceId":"x","spanId":"y"}}'],
  ['a crash of words', '{"crash":{"code":"x","open":-1.5,"openSpans":"many"}}'],
  ['a signal to nobody', '{"sends":{"pid":"all","signal":7}}'],
  ['names without end', JSON.stringify({ crash: { code: 1, open: 1e6, openSpans: Array(1000).fill('n'.repeat(100_000)) } })],
])('notes that are unsound cost nothing else: %s', (_, text) => {
  const life = noLife();
  try {
    readLife(life, Buffer.from(text), () => {}, 7);
  } catch {
    // Whoever reads them goes on.
  }
  const crash = judgeEnding(life, { pid: 7, isOver: true, endedAt: NOW, ending: null, wasTold: false, spans: [] });
  expect(JSON.stringify(crash ?? {}).length).toBeLessThan(64 * 1024);
});

test('who waited knows better than who signalled; neither speaks of an earlier process with that pid', () => {
  const endings = collectEndings();
  endings.sent(7, 'SIGTERM', NOW);
  expect(endings.of(7, NOW - 5000, NOW + 100)).toMatchObject({ signal: 'SIGTERM' });
  expect(endings.of(7, NOW + 5000, NOW + 6000)).toBeNull(); // it has written since
  expect(endings.of(7, NOW - 5000, NOW + 60_000)).toBeNull(); // it had a handler
  endings.note({ pid: 7, code: null, signal: 'SIGKILL' }, NOW + 50);
  expect(endings.of(7, NOW - 5000, NOW + 100)).toMatchObject({ signal: 'SIGKILL' });
  expect(endings.of(7, NOW + 5000, NOW + 6000)).toBeNull();
  expect([endings.of(8, NOW, NOW), endings.wasTold(NOW)]).toEqual([null, false]);
  endings.told(NOW);
  expect([endings.wasTold(NOW + 1000), endings.wasTold(NOW + 10_000)]).toEqual([true, false]);
});
