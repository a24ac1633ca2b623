import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Verdict } from './judge.ts';

export interface TableRow {
  readonly number: string;
  readonly fault: string;
  readonly inReadme: boolean;
  readonly spans: number;
  /** How plain node ends. */
  readonly plain: string;
  /** Of every contender but plain node; null where the row makes no sense for it. */
  readonly cells: readonly (Verdict | null)[];
}

export const LEGEND =
  '✓: every span is delivered, or sent by the next run, or said to be lost; exit code or signal, stdout and stderr are plain node’s but for the line that the fault allows; and the end comes at most half a second later (where a row says so, two seconds). A number is spans delivered; `+2.1 s` is the end’s delay against plain node; – : the row makes no sense there.';

export function printTable(header: string, names: readonly string[], rows: readonly TableRow[]): void {
  const all = [['', 'fault', ...names], ...rows.map(wordsOf)];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  console.log([header, '', ...all.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd())].join('\n'));
}

/** All of them into docs/faults.md, a few into README, each between its markers. */
export function writeDocs(header: string, names: readonly string[], rows: readonly TableRow[]): void {
  write('docs/faults.md', `${header}. ${LEGEND}`, names, rows);
  write('README.md', `${header}.`, names, rows.filter(({ inReadme }) => inReadme));
}

function write(name: string, words: string, names: readonly string[], rows: readonly TableRow[]): void {
  const file = fileURLToPath(new URL(`../../${name}`, import.meta.url));
  const old = readFileSync(file, 'utf8');
  const [begin, end] = ['<!-- faults -->', '<!-- /faults -->'];
  if (!old.includes(begin) || !old.includes(end)) return void console.error(`${name} has no place for the table: ${begin} … ${end}`);
  const lines = [['#', 'fault', ...names], ['-', '-', ...names.map(() => '-')], ...rows.map(wordsOf)].map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`);
  writeFileSync(file, [old.slice(0, old.indexOf(begin) + begin.length), words, '', ...lines, old.slice(old.indexOf(end))].join('\n'));
}

function wordsOf({ number, fault, spans, plain, cells }: TableRow): string[] {
  return [number, spans === 100 || spans === 0 ? fault : `${fault} (${spans} spans)`, plain, ...cells.map((cell) => cell?.text ?? '–')];
}
