/** The exporter as a process of its own (`dist/exporter.js`), beside an application that the launcher has become. */
import { appendFileSync, constants, openSync, readFileSync, closeSync } from 'node:fs';
import type { ExporterPlan } from '../plan/types.ts';
import type { SegmentOwner } from '../spool/frame.ts';
import { bootId, ownerLives, pidNamespace } from '../spool/owner.ts';
import { superviseExporter } from './supervise.ts';

const LOOK_MS = 100;

main(JSON.parse(readFileSync(0, 'utf8')) as ExporterPlan);

function main(plan: ExporterPlan): void {
  process.chdir('/');
  const here = { pidNamespace: pidNamespace(), boot: bootId() };
  const writers: SegmentOwner[] = plan.root === null ? [] : [{ thread: 0, ...plan.root, ...here }];
  const exporter = superviseExporter(plan, {
    onNotice: (line) => note(plan.noticeFile, line),
    onWriter: (owner) => void writers.push(owner),
    workerUrl: new URL('./exporter-worker.js', import.meta.url),
  });
  // A group's signal is for the application: we end behind it.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => exporter.flush());

  const timer = setInterval(() => {
    for (let at = writers.length - 1; at >= 0; at--) if (!ownerLives(writers[at]!, here)) writers.splice(at, 1);
    if (writers.length > 0) return;
    clearInterval(timer);
    void exporter.drain().then(() => process.exit(0));
  }, LOOK_MS);
}

/** Lines for people: the application's agent says them. */
function note(file: string | null, line: string): void {
  if (file === null) return;
  const fd = openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | (constants.O_NOFOLLOW ?? 0), 0o600);
  try {
    appendFileSync(fd, `${line}\n`);
  } finally {
    closeSync(fd);
  }
}
