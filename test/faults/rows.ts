/**
 * Rows of bench/faults as tests: the numbered application under the real command line and under plain node, on the newest
 * and on the oldest Node that otel-run runs on, in every topology. What was delivered is read from what the backend
 * accepted; only what is lost is taken from otel-run's words.
 */
import { describe, expect, test, vi } from 'vitest';
import { contenders, type Contender } from '../../bench/contenders.mjs';
import { judge } from '../../bench/faults/judge.ts';
import { nodeCalled, type Node } from '../../bench/faults/node.ts';
import { playRow } from '../../bench/faults/play-row.ts';
import type { Outcome, Row } from '../../bench/faults/types.ts';
import { nodeHas } from '../../src/plan/node-capabilities.ts';

/** What a busy machine may add to a promise of milliseconds. */
const NOISE_MS = 2000;
const isRoot = process.getuid?.() === 0;
const [floor, newest] = await Promise.all([nodeCalled('floor'), nodeCalled('newest')]);
const plain = contenders.find(({ name }) => name === 'node')!;
const launchers = contenders.filter(({ traced, preload }) => traced && preload === null);

/** One test for each row, topology and Node. */
export function testRows(rows: readonly Row[]): void {
  // Rows wait more than they compute.
  vi.setConfig({ maxConcurrency: 4, testTimeout: 120_000 });
  const releases = floor.path === newest.path ? [newest] : [newest, floor];
  describe.concurrent.each(rows.map((row): [title: string, row: Row] => [`row ${row.number}: ${row.fault}: ${row.promise}`, row]))('%s', (_, row) => {
    for (const node of releases) {
      let plainRun: Promise<Outcome | null> | undefined;
      for (const contender of launchers.filter((contender) => makesSense(row, contender, node))) {
        const name = `Node ${node.version}, ${contender.name}`;
        // Mounts, namespaces and other users are root's alone; the words name what is lacking.
        if (row.needsRoot === true && !isRoot) test.skip(`${name} (only root can bring this about)`, () => {});
        else test(name, async () => expectPromise(row, contender, node, await (plainRun ??= playRow(row, plain, node, true))));
      }
    }
  });
}

function makesSense(row: Row, contender: Contender, { version }: Node): boolean {
  return row.not?.(contender) !== true && (contender.needs !== 'execve' || nodeHas('execve', version));
}

async function expectPromise(row: Row, contender: Contender, node: Node, plainRun: Outcome | null): Promise<void> {
  let outcome = (await playRow(row, contender, node, true))!;
  for (let again = 0; again < 2 && judge(row, outcome, plainRun, NOISE_MS).lateAloneMs > 0; again++) outcome = (await playRow(row, contender, node, true))!;
  const { holds, text } = judge(row, outcome, plainRun, NOISE_MS);
  const shown = `${text}\n${JSON.stringify({ outcome, plain: plainRun }, null, 2)}`;
  if (row.instead === undefined) return expect(holds, shown).toBe(true);
  const { words, ...counts } = row.instead;
  expect(outcome, shown).toMatchObject({ ...counts, later: 0, kept: 0, stdout: plainRun!.stdout, code: plainRun!.code, signal: plainRun!.signal });
  expect(ownWords(outcome, plainRun!), shown).toMatch(words);
}

/** Where plain node says nothing, or the same as it did, which stands somewhere within. */
function ownWords({ stderr }: Outcome, plainRun: Outcome): string {
  const known = new Set(plainRun.stderr.split('\n').map(withoutPid));
  return stderr.split(/(?<=\n)/).filter((line) => !known.has(withoutPid(line.trimEnd()))).join('');
}

function withoutPid(line: string): string {
  return line.replace(/\(node:\d+\)/, '(node:PID)');
}
