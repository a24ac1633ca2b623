import { readFileSync } from 'node:fs';
import { ExitCode } from '../errors.ts';
import { inWords } from '../export/in-words.ts';
import { readLedger } from '../export/ledger.ts';
import { askStatus } from '../export/own/status-socket.ts';
import type { DestinationStatus, ExporterStatus } from '../export/own/status.ts';
import { droppedCount } from '../export/summary.ts';
import { listSpools } from '../launch/spool-place.ts';
import { bootId, ownerLives, pidNamespace } from '../spool/owner.ts';
import { age, duration, oneLine } from '../view/words.ts';
import type { Command } from './context.ts';
import { usageError } from './invocation.ts';
import { loadSettings } from './load-settings.ts';

/** One that is stopped, or has no processor, does not answer. */
const PATIENCE_MS = 2000;

/** `otel-run status [--json]`: how the exporters of this user's runs are doing. */
export const status: Command = async (words, context, flags) => {
  if (words.length > 0) throw usageError(`status takes options alone, not ${words[0]}`);
  const settings = await loadSettings(flags, context);
  const here = { pidNamespace: pidNamespace(), boot: bootId() };
  const spools = listSpools({ dir: settings.values['spool.dir'].value });
  const asked = await Promise.all(spools.map(async (spool) => ({ said: await askStatus(spool, PATIENCE_MS), exporter: readLedger(spool)?.exporter ?? null })));
  const running = asked.flatMap(({ said }) => (said === null ? [] : [said])).sort((a, b) => a.startedAt - b.startedAt);
  const silent = asked.flatMap(({ said, exporter }) => (said === null && exporter !== null && ownerLives(exporter, here) ? [exporter.pid] : []));
  if (flags.json === true) context.print(`${JSON.stringify(running, null, 2)}\n`);
  else if (running.length === 0 && silent.length === 0) context.print('No otel-run of this user is exporting here.\n');
  else context.print(running.map((one) => `${describe(one, Date.now()).join('\n')}\n`).join('\n'));
  for (const pid of silent) context.say(`the exporter in process ${pid} does not answer: is it stopped?`);
  return ExitCode.ok;
};

function describe(one: ExporterStatus, now: number): string[] {
  const seconds = Math.max(1, (now - one.startedAt) / 1000);
  const share = ((100 * one.cpuSeconds) / seconds).toFixed(1);
  return [
    `${nameOf(one)}, for ${duration(BigInt(Math.round(seconds * 1e9)))}`,
    `  exporter ${one.pid} (${one.topology}): ${MiB(one.memoryBytes)} of memory, ${share} % of a processor, spool ${MiB(one.spool.bytes)} of ${MiB(one.spool.capBytes)}${one.restarts === 0 ? '' : `, restarted ${one.restarts === 1 ? 'once' : `${one.restarts} times`}`}`,
    ...one.destinations.flatMap((destination) => describeDestination(destination, now)),
  ];
}

function describeDestination({ kind, name, signal, delivered, kept, dropped, waiting, failure, deliveredAt, exports }: DestinationStatus, now: number): string[] {
  if (kind === 'prometheus') return [`  ${signal.padEnd(7)} ${name}: served`];
  const lost = droppedCount({ produced: 0, delivered, kept, dropped });
  const { count, seconds } = Object.values(exports).reduce((sum, one) => ({ count: sum.count + one.count, seconds: sum.seconds + one.seconds }), { count: 0, seconds: 0 });
  const figures = [`${inWords(delivered, signal)} delivered`, ...(kept > 0 ? [`${kept} kept`] : []), ...(lost > 0 ? [`${lost} lost`] : []), ...(waiting > 0 ? [`${waiting} waiting`] : [])];
  const times = count === 0 ? '' : `; ${count} ${count === 1 ? 'request' : 'requests'} of ${duration(BigInt(Math.round((seconds / count) * 1e9)))}${deliveredAt === null ? '' : `, the last taken ${age(now - deliveredAt)}`}`;
  return [
    `  ${signal.padEnd(7)} ${name}: ${figures.join(', ')}${times}`,
    ...(failure === null ? [] : [`          failing: ${oneLine(failure)}`]),
    ...Object.entries(dropped).map(([reason, items]) => `          lost: ${items}, ${oneLine(reason)}`),
  ];
}

/** The service, or what its first process was started as. */
function nameOf({ service, writers, run }: ExporterStatus): string {
  const [pid] = writers;
  if (pid === undefined) return `${oneLine(service ?? `run ${run}`)}, nothing handed over yet`;
  return `${oneLine(service ?? commandOf(pid) ?? `run ${run}`)}, process ${pid}`;
}

function commandOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim().replace(/^[^ ]*\//, '').slice(0, 60) || null;
  } catch {
    return null; // it has ended, or there is no /proc
  }
}

function MiB(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
