/** What was finished, by the applications' own journals, against what arrived and what was said to be lost. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Account {
  readonly finished: number;
  readonly missing: readonly string[];
  /** Missing, and of the very turn in which the kernel, or a dying main thread, ended the writer. */
  readonly excused: readonly string[];
}

/** At most what is gathered before it is written: 64 KiB of spans of some 130 bytes. */
const GATHERED_SPANS = 64 * 1024 / 130;

/** `isViolent` says of a step that somebody was killed in it, whatever its journals say. */
export function readAccount(journals: string, arrived: ReadonlyMap<string, number>, isViolent: (step: number) => boolean): Account {
  const account = { finished: 0, missing: [] as string[], excused: [] as string[] };
  for (const who of readdirSync(journals)) {
    const lines = readFileSync(join(journals, who), 'latin1').split('\n').slice(0, -1);
    let turned = 0;
    let violent = isViolent(Number(who.split('.')[0]));
    const numbers: number[] = [];
    for (const line of lines) {
      const [mark, from, to] = line.split(' ');
      if (mark === 'V') violent = true;
      else if (mark === 'T') turned = Number(from);
      else for (let n = Number(from); n <= Number(to); n++) numbers.push(n);
    }
    account.finished += numbers.length;
    const missing = numbers.filter((n) => !arrived.has(`${who}.${n}`));
    const inLastTurn = violent ? missing.filter((n) => n > turned) : [];
    const excused = inLastTurn.length <= GATHERED_SPANS ? inLastTurn : [];
    account.excused.push(...excused.map((n) => `${who}.${n}`));
    account.missing.push(...missing.filter((n) => !excused.includes(n)).map((n) => `${who}.${n}`));
  }
  return account;
}

/**
 * While a run lasts: `…; 12 spans lost`, `…; 12 items that an earlier run had kept are lost`, `12 items of a run … are lost`;
 * at its end, what had not been told yet: `12 spans for … lost: …`; `otel-run drain`: `12 lost`; an application whose spool
 * cannot be written: `could not hand over 12 spans`.
 */
export function saidLost(said: string): number {
  const words = /(?:could not hand over (?<held>\d+) spans?|(?<count>\d+) (?:spans? (?:for \S+ )?lost\b|items [^;]*?\bare (?:lost|dropped)\b|lost,))/g;
  return [...said.matchAll(words)].reduce((sum, { groups }) => sum + Number(groups!.count ?? groups!.held), 0);
}
