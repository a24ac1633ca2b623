/** Plays every row with every contender, side by side in one run, and prints the table. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { contenders } from '../contenders.mjs';
import { judge, endingOf, type Verdict } from './judge.ts';
import { nodeCalled } from './node.ts';
import { playRow } from './play-row.ts';
import { rows } from './rows.ts';
import { printTable, writeDocs, type TableRow } from './table.ts';
import type { Outcome, Row } from './types.ts';

const { values } = parseArgs({
  options: { row: { type: 'string', multiple: true }, node: { type: 'string' }, json: { type: 'boolean', default: false }, markdown: { type: 'boolean', default: false }, verbose: { type: 'boolean', default: false } },
});
const node = values.node === undefined ? { path: process.execPath, version: process.versions.node } : await nodeCalled(values.node);
/** Most of the time is waiting. */
const AT_ONCE = 2;
/** What is late by less is played again. */
const BUSY_MS = 1000;

const chosen = rows.filter(({ number }) => values.row === undefined || values.row.some((wanted) => number === wanted || number.replace(/\D+$/, '') === wanted));
if (chosen.length === 0) throw new Error(`no such row; there are ${rows.map(({ number }) => number).join(', ')}`);

const turns = makeTurns(AT_ONCE);
const results = await Promise.all(chosen.map(playAll));
const header = `Node ${node.version}, ${contenders.filter(({ preload }) => preload !== null).map(({ name, preload }) => `${name} ${versionOf(preload!)}`).join(', ')}`;
if (values.json) console.log(JSON.stringify({ header, rows: results }, null, 2));
else printTable(header, contenders.map(({ name }) => name), results);
// A part of the table is no table, and that of another release not the one that the page tells of.
if (values.markdown && values.row === undefined && values.node === undefined) writeDocs(header, contenders.map(({ name }) => name), results);

async function playAll(row: Row): Promise<TableRow> {
  const plain = await turns(() => playRow(row, contenders[0]!, node));
  const others = await Promise.all(
    contenders.slice(1).map(async (contender): Promise<{ outcome: Outcome | null; verdict: Verdict | null }> => {
      let outcome = await turns(() => playRow(row, contender, node));
      const lateMs = outcome === null ? 0 : judge(row, outcome, plain).lateAloneMs;
      if (lateMs > 0 && lateMs < BUSY_MS) {
        const again = await turns(() => playRow(row, contender, node));
        if (again !== null && again.endedAfterMs < outcome!.endedAfterMs) outcome = again;
      }
      if (values.verbose && outcome !== null) console.error(`--- ${row.number} ${contender.name}\n${JSON.stringify(outcome, null, 1)}`);
      return { outcome, verdict: outcome === null ? null : judge(row, outcome, plain) };
    }),
  );
  if (process.stderr.isTTY) process.stderr.write(`row ${row.number}\r`);
  return { number: row.number, fault: row.fault, inReadme: row.inReadme === true, spans: row.spans ?? 100, plain: plain === null ? '–' : endingOf(plain), cells: others.map(({ verdict }) => verdict) };
}

/** At most `most` at a time, in the order of asking. */
function makeTurns(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}

function versionOf(preload: string): string {
  const home = /node_modules\/(@[^/]+\/[^/]+|[^/]+)/.exec(preload.slice(preload.lastIndexOf('/node_modules/')))?.[1] ?? '';
  return (JSON.parse(readFileSync(`${preload.slice(0, preload.lastIndexOf('/node_modules/'))}/node_modules/${home}/package.json`, 'utf8')) as { version: string }).version;
}
