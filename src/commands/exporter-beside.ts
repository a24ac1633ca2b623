import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { superviseExporter, type DestinationSummary, type Summary } from '../export/supervise.ts';
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

/** One line on what did not arrive, or null where nothing is to be said. */
export function describeLoss({ destinations }: Summary): string | null {
  const parts = destinations.filter(({ silent }) => !silent).flatMap(describeDestination);
  return parts.length === 0 ? null : parts.join('; ');
}

const nouns = { traces: 'spans', metrics: 'metric points', logs: 'log records' };

function describeDestination({ name, signal, kept, dropped, failure }: DestinationSummary): string[] {
  const because = failure === null ? '' : `: ${failure}`;
  const losses = Object.entries(dropped).filter(([, count]) => count > 0);
  return [
    ...(kept === 0 ? [] : [`${kept} ${nouns[signal]} for ${name} kept for the next run or \`otel-run drain\`${because}`]),
    ...losses.map(([reason, count]) => `${count} ${nouns[signal]} for ${name} lost: ${reason}`),
  ];
}
