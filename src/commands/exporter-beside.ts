import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeLoss } from '../export/describe-loss.ts';
import { openKeep } from '../export/keep.ts';
import { processesOf } from '../export/processes.ts';
import { openSendLock } from '../export/send-lock.ts';
import { superviseExporter, type Summary } from '../export/supervise.ts';
import { startExporterProcess } from '../launch/exporter-process.ts';
import type { ExporterBeside } from '../launch/launch.ts';
import type { Surroundings } from '../launch/surroundings.ts';
import type { ExporterPlan } from '../plan/types.ts';
import type { CommandContext } from './context.ts';

/** Starts the exporter in a worker thread of the launcher. */
export function startExporterBeside(plan: ExporterPlan, { unmarkedDescriptors }: Surroundings, { dist, env, say }: CommandContext): ExporterBeside {
  const exporter = superviseExporter(plan, {
    onNotice: say,
    workerUrl: pathToFileURL(join(dist, 'exporter-worker.js')),
  });
  return {
    flush: (isTold) => exporter.flush(isTold),
    cutShort: () => exporter.cutShort(),
    async drain(endedAt, ending) {
      const summary = await exporter.drain({ endedAt, ending });
      if (!handOver() && hasKept(plan, summary)) startAlone({ ...plan, errand: 'send-kept' });
      return describeLoss(summary);
    },
  };

  /** A process that outlives the command (a daemon) gets an exporter of its own: the launcher ends as the command did. */
  function handOver(): boolean {
    const [root] = processesOf(plan.run);
    if (root === undefined) return false;
    const fault = startAlone({ ...plan, root, settled: exporter.settled() });
    if (fault !== null) say(`what process ${root.pid}, which lives on, finishes from now on is not exported: ${fault}`);
    return fault === null;
  }

  /** Why it did not start, or null. */
  function startAlone(next: ExporterPlan): string | null {
    try {
      startExporterProcess(next, { exporterFile: join(dist, 'exporter.js'), env, unmarkedDescriptors });
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

/**
 * Whether earlier runs have kept something for a backend that works, and nobody sends it yet: that is done behind the end,
 * which waits for its own telemetry alone. With process 1 everything ends.
 */
function hasKept(plan: ExporterPlan, { destinations }: Summary): boolean {
  const { stateDir } = plan;
  if (stateDir === null || process.pid === 1) return false;
  return plan.destinations.some((destination, number) => {
    const { delivered, failure } = destinations[number]!;
    if (destination.kind !== 'otlp' || destination.undelivered === 'drop' || delivered === 0 || failure !== null) return false;
    const keep = openKeep(stateDir, destination, plan);
    return keep.count() > 0 && !openSendLock(keep.lockFile).isTaken();
  });
}
