import { Signal } from '../../spool/frame.ts';
import type { Drop } from '../../spool/segment-writer.ts';

const NOUNS: Readonly<Record<number, string>> = { [Signal.traces]: 'spans', [Signal.metrics]: 'metric points', [Signal.logs]: 'log records' };

/** The exporter knows nothing of these: a line of this process is the only place for them. Null where there are none. */
export function describeUntold(drops: readonly Drop[]): string | null {
  if (drops.length === 0) return null;
  const losses = drops.map(({ signal, reason, count }) => `${count} ${NOUNS[signal] ?? 'items'} (${reason})`);
  return `process ${process.pid} could not hand over ${losses.join(', ')}: they are lost`;
}
