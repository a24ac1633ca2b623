/** The exporter as a process of its own (`dist/exporter.js`), beside an application that the launcher has become. */
import { appendFileSync, closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ExporterPlan } from '../plan/types.ts';
import { SHARED_HAND_OFF } from '../spool/directory.ts';
import type { SegmentOwner } from '../spool/frame.ts';
import { bootId, ownerLives, pidNamespace } from '../spool/owner.ts';
import { makeDirectories } from '../spool/make-directory.ts';
import { isPlain, readPlainFile } from '../spool/plain-file.ts';
import { describeLoss } from './describe-loss.ts';
import { isOwnDirectory } from './kept-files.ts';
import { processesOf } from './processes.ts';
import { superviseExporter, type SupervisedExporter } from './supervise.ts';
import type { Summary } from './summary.ts';

/** Each look costs processor time while nothing happens; nobody waits for the end of this process. */
const LOOK_MS = 250;
/** Longer than the worker takes to see a segment when it was told to flush: a process that outlives the first may have written its first spans just now. */
const SETTLED_MS = 500;

let exporter: SupervisedExporter | null = null;
// A group's signal is for the application: we end behind it. Before all else, for it may come at any time.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => exporter?.flush(true));
main(JSON.parse(readFileSync(0, 'utf8')) as ExporterPlan);

function main(plan: ExporterPlan): void {
  process.chdir('/');
  const here = { pidNamespace: pidNamespace(), boot: bootId() };
  const writers: SegmentOwner[] = plan.root === null ? [] : [{ thread: 0, ...plan.root, ...here }];
  // Read by processes of the application, which may be of another user than we.
  const onNotice = plan.errand === undefined ? (line: string) => note(plan.noticeFile, `otel-run: ${line}`, 0o644) : (line: string) => leaveWords(plan, line);
  const supervised = superviseExporter(plan, {
    onNotice,
    // One of another pid namespace cannot be asked after: we would stay for ever.
    onWriter: (owner) => void (owner.pidNamespace === here.pidNamespace && writers.push(owner)),
    workerUrl: new URL('./exporter-worker.js', import.meta.url),
  });
  exporter = supervised;

  const end = (isToldInVain: boolean): void =>
    void supervised.drain().then((summary) => {
      const loss = describeLoss(isToldInVain ? untold(summary) : summary);
      if (loss !== null) leaveWords(plan, loss);
      process.exit(0);
    });
  if (plan.errand !== undefined) return end(true);
  let aloneSince: number | null = null;
  const timer = setInterval(() => {
    for (let at = writers.length - 1; at >= 0; at--) if (!ownerLives(writers[at]!, here)) writers.splice(at, 1);
    if (writers.length > 0) return void (aloneSince = null);
    if (aloneSince === null) supervised.flush(false);
    const isFirstLook = aloneSince === null;
    aloneSince ??= performance.now();
    const isSettled = performance.now() - aloneSince >= SETTLED_MS;
    // One that has written nothing yet may be there all the same.
    if (isFirstLook || isSettled) for (const one of processesOf(plan.run)) writers.push({ thread: 0, ...one, ...here });
    if (!isSettled || writers.length > 0) return;
    clearInterval(timer);
    end(hasUnshown(plan.noticeFile));
  }, LOOK_MS);
}

/** The application has ended and its terminal is not ours: the next run with the same destination says what happened. */
function leaveWords({ lastWordsFiles: files, verbosity }: ExporterPlan, words: string): void {
  if (verbosity === 'quiet') return;
  for (const file of files) {
    try {
      makeDirectories(dirname(file));
      if (!isOwnDirectory(dirname(file))) continue;
      return note(file, words, 0o600);
    } catch {
      continue; // a home that nobody can write, or a full disk
    }
  }
}

/** The application was killed before it could say what it was told, or nobody was there to be told. */
function hasUnshown(noticeFile: string | null): boolean {
  if (noticeFile === null) return true;
  const size = statSync(noticeFile, { throwIfNoEntry: false })?.size ?? 0;
  return size > Math.max(shownOf(`${noticeFile}.shown`), shownOf(join(dirname(noticeFile), SHARED_HAND_OFF, `${basename(noticeFile)}.shown`)));
}

/** Processes of the application write it, where they write their segments. */
function shownOf(file: string): number {
  try {
    return Number(readPlainFile(file, { most: 32 }).toString('latin1')) || 0;
  } catch {
    return 0;
  }
}

function untold(summary: Summary): Summary {
  return { ...summary, destinations: summary.destinations.map((destination) => ({ ...destination, told: {} })) };
}

/** Adds a line for people to a file that others read: the agent of the application, or the next run. */
function note(file: string | null, line: string, mode: number): void {
  if (file === null) return;
  const fd = openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0), mode);
  try {
    if (!isPlain(fstatSync(fd))) return;
    appendFileSync(fd, `${line}\n`);
  } finally {
    closeSync(fd);
  }
}
