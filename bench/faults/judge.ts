import type { Outcome, Row } from './types.ts';

export interface Verdict {
  /** Every span delivered, kept for the next run or said to be lost; ending and output as plain node's; in time. */
  readonly holds: boolean;
  /** For people: `100`, `0, SIGKILL not exit 0, +8.7 s`. */
  readonly text: string;
  /** How much too late the end came, where nothing else is wrong: a busy machine may have made that. */
  readonly lateAloneMs: number;
}

/** Scheduling of a machine that does little else. */
const NOISE_MS = 150;
const DELAY_MS = 500;

/** `noiseMs`: by how much a busy machine may be late. */
export function judge(row: Row, outcome: Outcome, plain: Outcome | null, noiseMs = NOISE_MS): Verdict {
  const { spans, delivered, later, kept, counted, twice } = outcome;
  const isWhole = row.spansAreExtra === true || delivered + later + kept + counted === spans;
  const parts = [spans === 0 ? '' : [`${delivered}`, ...(later > 0 ? [`${later} with the next run`] : []), ...(kept > 0 ? [`${kept} kept`] : []), ...(counted > 0 ? [`${counted} said to be lost`] : [])].join(' + ')];
  let holds = isWhole;
  let lateAloneMs = 0;
  if (twice > 0) parts.push(`${twice} twice`);
  if (plain !== null) {
    const added = outcome.endedAfterMs - plain.endedAfterMs;
    const { isSame, extra } = compareOutput(outcome, plain);
    const endsSame = endingOf(outcome) === endingOf(plain);
    if (outcome.neverEnds) parts.push('never ends');
    else if (!endsSame) parts.push(`${endingOf(outcome)}, not ${endingOf(plain)}`);
    if (!outcome.neverEnds && added > NOISE_MS) parts.push(`+${(added / 1000).toFixed(1)} s`);
    if (!isSame) parts.push('output changed');
    if (extra > 0) parts.push(extra === 1 ? '1 line said' : `${extra} lines said`);
    const late = added - (row.delayMs ?? DELAY_MS) - noiseMs;
    holds &&= endsSame && isSame && extra <= (row.lines ?? 0);
    if (holds && !outcome.neverEnds) lateAloneMs = Math.max(0, late);
    holds &&= late <= 0;
  }
  if (outcome.finding !== null) parts.push(outcome.finding.replace(/^✗ /, ''));
  if (outcome.finding?.startsWith('✗ ') === true) holds = false;
  return { holds, text: `${holds ? '✓' : '✗'} ${parts.filter((part) => part !== '').join(', ')}`.trim(), lateAloneMs };
}

export function endingOf({ code, signal, neverEnds }: Outcome): string {
  return neverEnds ? 'never ends' : (signal ?? `exit ${code}`);
}

/** stdout byte for byte; stderr line by line: those of plain node in their order, and how many others. */
function compareOutput(outcome: Outcome, plain: Outcome): { isSame: boolean; extra: number } {
  const wanted = comparableLines(plain.stderr);
  let at = 0;
  let extra = 0;
  for (const line of comparableLines(outcome.stderr)) {
    if (line === wanted[at]) at++;
    else extra++;
  }
  return { isSame: outcome.stdout === plain.stdout && at === wanted.length, extra };
}

/** Without pids, addresses, native frames, how V8 came to say that the heap is full, and frames inside Node. */
function comparableLines(stderr: string): string[] {
  return stderr
    .replace(/^<--- Last few GCs --->$[^]*^FATAL ERROR: .*(?=Allocation failed - JavaScript heap out of memory$)/m, '')
    .split('\n')
    .map((line) => line.replace(/\(node:\d+\)/g, '(node:PID)').replace(/0x[0-9a-f]+/g, 'ADDRESS'))
    .filter((line) => line.trim() !== '' && !/^ +at .*(?:\(node:[^)]*\)|node:internal\S*)$/.test(line) && !/^ *\d+: ADDRESS/.test(line) && !/^(?:-+ .* -+|\[\d+:ADDRESS\].*)$/.test(line));
}
