import { inWords } from './in-words.ts';
import type { DestinationSummary, Summary } from './summary.ts';

/** One line on what did not arrive and has not been told yet, or null where nothing is to be said. */
export function describeLoss({ destinations }: Summary): string | null {
  const parts = destinations.filter(({ silent }) => !silent).flatMap(describeDestination);
  return parts.length === 0 ? null : parts.join('; ');
}

function describeDestination({ name, signal, kept, dropped, told, failure }: DestinationSummary): string[] {
  const because = failure === null ? '' : `: ${failure}`;
  const losses = Object.entries(dropped).map(([reason, count]) => [reason, count - (told[reason] ?? 0)] as const).filter(([, untold]) => untold > 0);
  return [
    ...(kept === 0 ? [] : [`${inWords(kept, signal)} for ${name} kept for the next run or \`otel-run drain\`${because}`]),
    ...losses.map(([reason, count]) => `${inWords(count, signal)} for ${name} lost: ${reason}`),
  ];
}
