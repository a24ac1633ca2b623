import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeLoss } from '../export/describe-loss.ts';
import { superviseExporter } from '../export/supervise.ts';
import type { ExporterBeside } from '../launch/launch.ts';
import type { ExporterPlan } from '../plan/types.ts';
import type { CommandContext } from './context.ts';

/** Starts the exporter in a worker thread of the launcher. */
export function startExporterBeside(plan: ExporterPlan, { dist, say }: CommandContext): ExporterBeside {
  const exporter = superviseExporter(plan, {
    onNotice: say,
    workerUrl: pathToFileURL(join(dist, 'exporter-worker.js')),
  });
  return {
    flush: () => exporter.flush(),
    drain: async () => describeLoss(await exporter.drain()),
  };
}
