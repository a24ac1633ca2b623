import { parseArgs } from 'node:util';
import { ExitCode, UserError } from '../errors.ts';
import { readStore } from '../export/store.ts';
import { findStateDir, traceStoreDir } from '../plan/state-dir.ts';
import { maskUrl } from '../settings/endpoint.ts';
import { readSettings } from '../settings/read.ts';
import { decodeSpanOutlines, decodeSpans, type DecodedSpan } from '../view/decode.ts';
import { listTraces, outlineToJson, spanToJson } from '../view/list.ts';
import { createOutliner, type TraceOutline } from '../view/outline.ts';
import { wantsColour } from '../view/paint.ts';
import { MalformedOtlp } from '../view/protobuf.ts';
import { drawTrace } from '../view/tree.ts';
import { counted, oneLine } from '../view/words.ts';
import type { CommandContext } from './context.ts';
import { firstSentence } from './invocation.ts';

/** `otel-run traces` lists what the local store holds; `otel-run traces <id>` draws one trace. */
export async function traces(words: readonly string[], context: CommandContext): Promise<number> {
  const asked = readWords(words);
  const { dir, elsewhere } = await findStore(context);
  const all = dir === null ? [] : outlineAll(dir);
  const paper = { colour: wantsColour(context.env, process.stdout.isTTY === true), width: columns(context.env) };
  if (asked.id === null) {
    const shown = all.slice(0, asked.limit);
    if (asked.json) context.print(`${JSON.stringify(shown.map(outlineToJson), null, 2)}\n`);
    else if (all.length === 0) context.print(sayNone(dir, elsewhere));
    else context.print(listTraces(shown, all, { ...paper, now: Date.now() }));
    return ExitCode.ok;
  }
  const { traceId, spans: count } = pick(asked.id, all);
  const spans = readTrace(dir!, traceId);
  if (asked.json) context.print(`${JSON.stringify({ traceId, spans: spans.map(spanToJson), omitted: count - spans.length }, null, 2)}\n`);
  else context.print(drawTrace(spans, { ...paper, omitted: count - spans.length }));
  return ExitCode.ok;
}

const usage = 'usage: otel-run traces [--limit <n>] [--json] [<id> | last]';
const DEFAULT_LIMIT = 20;
/** Spans of one trace that are read in full at most. */
const MAX_SPANS = 50_000;

interface Asked {
  readonly id: string | null;
  readonly json: boolean;
  readonly limit: number;
}

function readWords(words: readonly string[]): Asked {
  let parsed;
  try {
    parsed = parseArgs({ args: [...words], allowPositionals: true, options: { json: { type: 'boolean' }, limit: { type: 'string' } } });
  } catch (error) {
    throw new UserError(ExitCode.failed, firstSentence((error as Error).message), usage);
  }
  const { values, positionals } = parsed;
  const limit = Number(values.limit ?? DEFAULT_LIMIT);
  if (!Number.isInteger(limit) || limit < 1) throw new UserError(ExitCode.failed, `--limit ${values.limit} is no number above 0`, usage);
  if (positionals.length > 1) throw new UserError(ExitCode.failed, `one trace at a time: ${positionals.join(' ')}`, usage);
  return { id: positionals[0]?.toLowerCase() ?? null, json: values.json === true, limit };
}

interface StorePlace {
  /** Null without a home. */
  readonly dir: string | null;
  /** The backend that takes the traces of runs with these settings, or null. */
  readonly elsewhere: string | null;
}

async function findStore({ env, cwd }: CommandContext): Promise<StorePlace> {
  const { values, otlp } = await readSettings({ flags: {}, env, cwd });
  const stateDir = values.stateDir.value ?? findStateDir(env);
  const { configured, destination } = otlp.traces;
  return { dir: stateDir === null ? null : traceStoreDir(stateDir), elsewhere: configured && destination !== null ? maskUrl(destination.url) : null };
}

/** Silence has reasons: the same conditions as for the store of a run. */
function sayNone(dir: string | null, elsewhere: string | null): string {
  if (dir === null) return 'No traces: there is no home to keep them in, and no OTEL_RUN_STATE_DIR.\n';
  return [
    `No traces yet in ${dir}. Run: otel-run node server.js`,
    ...(elsewhere === null ? [] : [`The settings here name a backend: traces go to ${elsewhere}.`]),
    'Kept are those of this user, of runs with no backend configured whose stdin, stdout and stderr are a',
    'terminal, not in CI, under an orchestrator or with NODE_ENV=production. Anywhere: otel-run --print …',
    '',
  ].join('\n');
}

function outlineAll(dir: string): TraceOutline[] {
  const outliner = createOutliner();
  for (const body of requests(dir)) outliner.add(decodeSound(decodeSpanOutlines, body));
  return outliner.newestFirst();
}

function readTrace(dir: string, traceId: string): DecodedSpan[] {
  const id = Buffer.from(traceId, 'hex');
  const spans: DecodedSpan[] = [];
  for (const body of requests(dir)) {
    if (!body.includes(id)) continue;
    for (const span of decodeSound(decodeSpans, body)) {
      if (span.traceId !== traceId) continue;
      // Roots end last: they are wanted however many spans came before.
      if (spans.length < MAX_SPANS || span.parentSpanId === '') spans.push(span);
    }
  }
  return spans;
}

/** A request that is damaged on disk hides none of the others. */
function decodeSound<T>(decode: (body: Buffer) => readonly T[], body: Buffer): readonly T[] {
  try {
    return decode(body);
  } catch (error) {
    if (error instanceof MalformedOtlp) return [];
    throw error;
  }
}

function* requests(dir: string): Generator<Buffer> {
  for (const { signal, body } of readStore(dir)) if (signal === 'traces') yield body;
}

function pick(id: string, all: readonly TraceOutline[]): TraceOutline {
  const hint = all.length === 0 ? 'There are no traces yet. Run: otel-run node server.js' : 'otel-run traces lists them';
  if (id === 'last' && all[0] !== undefined) return all[0];
  const matching = all.filter(({ traceId }) => traceId.startsWith(id));
  if (matching.length === 1) return matching[0]!;
  if (matching.length > 1) {
    const named = matching.slice(0, 5).map(({ traceId, service, root }) => `${traceId} (${oneLine(`${service} ${root}`, 80)})`);
    throw new UserError(ExitCode.failed, `${counted(matching.length, 'trace')} begin with ${id}: ${named.join(', ')}${matching.length > 5 ? ', …' : ''}`, 'Name more of its id');
  }
  if (id !== 'last' && !/^[0-9a-f]{1,32}$/.test(id)) throw new UserError(ExitCode.failed, `'${oneLine(id, 80)}' is no trace id: those are hexadecimal`, hint);
  const nearest = nearestIds(id, all);
  throw new UserError(ExitCode.failed, `no trace here begins with ${id}${nearest.length === 0 ? '' : `; nearest: ${nearest.join(', ')}`}`, hint);
}

/** Those that share the most of their beginning with what was typed. */
function nearestIds(id: string, all: readonly TraceOutline[]): string[] {
  const shared = ({ traceId }: TraceOutline): number => {
    let at = 0;
    while (at < id.length && traceId[at] === id[at]) at++;
    return at;
  };
  const most = all.reduce((best, trace) => Math.max(best, shared(trace)), 1);
  return all.filter((trace) => shared(trace) === most).slice(0, 3).map(({ traceId }) => traceId.slice(0, Math.max(8, most + 4)));
}

/** Text that is read by another program is cut less: a pipe has no edge. */
function columns(env: CommandContext['env']): number {
  if (process.stdout.isTTY) return Math.max(20, process.stdout.columns);
  return Number(env.COLUMNS) >= 20 ? Number(env.COLUMNS) : 160;
}
