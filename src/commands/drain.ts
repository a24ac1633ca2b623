import { ExitCode } from '../errors.ts';
import { inWords } from '../export/in-words.ts';
import { labelOf, openKeep, type Keep, type KeepLabel } from '../export/keep.ts';
import { describeKept, groupKept, optionsFor, type KeptGroup } from '../export/kept-groups.ts';
import { makeExporter } from '../export/make-exporter.ts';
import { adoptOrphans } from '../export/orphans.ts';
import { sendKept } from '../export/send-kept.ts';
import type { Exporter } from '../export/types.ts';
import { findSpoolPlace } from '../launch/spool-place.ts';
import { findStateDir } from '../plan/state-dir.ts';
import type { OtlpDestination } from '../plan/types.ts';
import { telemetryWishes } from '../settings/telemetry-wishes.ts';
import type { Command, CommandContext } from './context.ts';
import { usageError } from './invocation.ts';
import { loadSettings } from './load-settings.ts';

/** `otel-run drain [options]`: sends everything that earlier runs with this destination have kept, now; tells what is kept for others. */
export const drain: Command = async (words, context, flags) => {
  if (words.length > 0) throw usageError(`drain takes options alone, not ${words[0]}`);
  const settings = await loadSettings(flags, context);
  const stateDir = settings.values.stateDir.value ?? findStateDir(context.env);
  const { exporter: wishes } = telemetryWishes(settings, { stateDir, unwritable: null, forgets: null, localStore: false, stdinIsTerminal: false });
  const backends = wishes.destinations.filter((one): one is OtlpDestination => one.kind === 'otlp' && one.undelivered === 'keep');
  if (stateDir === null) {
    context.say('no home and no OTEL_RUN_STATE_DIR: nothing is kept');
    return ExitCode.ok;
  }
  const place = findSpoolPlace('drain', { dir: settings.values['spool.dir'].value, capBytes: null });
  if (place !== null) adoptOrphans(place.dir);
  let left = 0;
  for (const destination of backends) {
    const dropped = new Map<string, number>();
    const keep = openKeep(stateDir, destination, wishes, undefined, (count, why) => void dropped.set(why, (dropped.get(why) ?? 0) + count));
    left += await drainOne(destination, keep, dropped, context);
  }
  const others = tellOthers(groupKept(stateDir), backends.map((backend) => labelOf(backend, wishes)), context);
  return left === 0 && (backends.length > 0 || others === 0) ? ExitCode.ok : 1;
};

/** Other destinations than were named: theirs is somebody else's errand, or was meant. Answers how many items they have. */
function tellOthers(groups: readonly KeptGroup[], named: readonly KeepLabel[], { say }: CommandContext): number {
  const others = groups.filter(({ hash }) => named.every((label) => label.hash !== hash));
  if (named.length === 0) say(`no backend is configured${others.length === 0 ? ', and nothing is kept' : ': nothing is sent'}`);
  for (const group of others) {
    const isSame = ({ endpoint, service, environment }: KeepLabel): boolean => endpoint === group.endpoint && service === group.service && environment === group.environment;
    const options = optionsFor(group);
    const how = named.some(isSame)
      ? 'with other headers than these: name them as the run did (--header …)'
      : `\`otel-run drain ${options ?? '…'}\` sends ${group.items === 1 ? 'it' : 'them'}, with the headers that the run had`;
    say(`${describeKept(group)}${named.some(isSame) ? ' ' : ': '}${how}`);
  }
  return others.reduce((sum, { items }) => sum + items, 0);
}

const ATTEMPTS = 3;
const PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/** Answers how many items are left. `dropped`: what could not be used of what was kept, by reason. */
async function drainOne(destination: OtlpDestination, keep: Keep, dropped: ReadonlyMap<string, number>, { env, say }: CommandContext): Promise<number> {
  const exporter = await makeExporter(destination, env);
  try {
    if (keep.count() === 0) {
      say(`nothing is kept for ${exporter.name}`);
      return 0;
    }
    const { delivered, lost, reason } = await sendAll(keep, exporter);
    const left = keep.count();
    const parts = [
      `${inWords(delivered, destination.signal)} sent to ${exporter.name}`,
      ...(lost === 0 ? [] : [`${lost} lost`]),
      ...[...dropped].map(([why, count]) => `${count} dropped (${why})`),
      left === 0 ? 'nothing is left' : `${left} ${left === 1 ? 'is' : 'are'} left`,
    ];
    say(`${parts.join(', ')}${reason === null ? '' : `: ${reason}`}`);
    return left;
  } finally {
    await exporter.close();
  }
}

async function sendAll(keep: Keep, exporter: Exporter): Promise<{ delivered: number; lost: number; reason: string | null }> {
  const sum: { delivered: number; lost: number; reason: string | null } = { delivered: 0, lost: 0, reason: null };
  const never = new AbortController().signal;
  for (let attempt = 1; ; ) {
    const claim = keep.claim();
    if (claim === null) return sum;
    const { delivered, lost, unsent, reason, afterMs } = await sendKept(keep, claim, exporter, never);
    sum.delivered += delivered;
    sum.lost += lost;
    sum.reason = reason ?? sum.reason;
    if (unsent === 0) attempt = 1;
    else if (attempt++ >= ATTEMPTS) return sum;
    else await pause(Math.min(afterMs ?? PAUSE_MS * (attempt - 1), LONGEST_PAUSE_MS));
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
