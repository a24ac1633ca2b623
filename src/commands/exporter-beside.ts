import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeLoss } from '../export/describe-loss.ts';
import { processesOf } from '../export/processes.ts';
import { superviseExporter } from '../export/supervise.ts';
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
    flush: () => exporter.flush(),
    async drain() {
      const summary = await exporter.drain();
      handOver();
      return describeLoss(summary);
    },
  };

  /** A process that outlives the command (a daemon) gets an exporter of its own: the launcher ends as the command did. */
  function handOver(): void {
    const [root] = processesOf(plan.run);
    if (root === undefined) return;
    try {
      const next: ExporterPlan = { ...plan, root, settled: exporter.settled() };
      startExporterProcess(next, { exporterFile: join(dist, 'exporter.js'), env, unmarkedDescriptors });
    } catch (error) {
      say(`what process ${root.pid}, which lives on, finishes from now on is not exported: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
