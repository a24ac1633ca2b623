import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { ExitCode } from '../errors.ts';
import { inWords } from '../export/in-words.ts';
import { labelOf } from '../export/keep.ts';
import { nameOwner } from '../export/kept-groups.ts';
import { keptFolders, listKept, look, readHeader, removeFile, removeWhereEmpty, type KeptHeader } from '../export/kept-files.ts';
import { adoptOrphans } from '../export/orphans.ts';
import { clearStore } from '../export/store.ts';
import { findSpoolPlace } from '../launch/spool-place.ts';
import { findStateDir, traceStoreDir } from '../plan/state-dir.ts';
import type { OtlpDestination } from '../plan/types.ts';
import { telemetryWishes } from '../settings/telemetry-wishes.ts';
import type { Command, CommandContext } from './context.ts';
import { usageError } from './invocation.ts';
import { loadSettings } from './load-settings.ts';

/** What was removed of one destination. */
interface Removed {
  readonly endpoint: string | null;
  readonly service: string | null;
  readonly environment: string | null;
  readonly signal: KeptHeader['signal'];
  readonly items: number;
  readonly files: number;
  readonly bytes: number;
  /** When the oldest of it was kept. */
  readonly oldest: string;
}

/** `otel-run purge [options]`: removes what earlier runs with this destination have kept; `otel-run purge all`: of every destination, and the traces of runs without one. */
export const purge: Command = async (words, context, flags) => {
  const [word, ...more] = words;
  if (more.length > 0 || (word !== undefined && word !== 'all')) throw usageError(`purge takes options, or the word all, not ${more[0] ?? word}`);
  const settings = await loadSettings(flags, context);
  const stateDir = settings.values.stateDir.value ?? findStateDir(context.env);
  const { exporter: wishes } = telemetryWishes(settings, { stateDir, unwritable: null, forgets: null, localStore: false, stdinIsTerminal: false });
  const backends = wishes.destinations.filter((one): one is OtlpDestination => one.kind === 'otlp' && one.undelivered === 'keep');
  if (word === undefined && backends.length === 0) throw usageError('no backend is configured', 'name it as the run does (--endpoint …), or `otel-run purge all`');
  if (stateDir === null) {
    context.say('no home and no OTEL_RUN_STATE_DIR: nothing is kept');
    return ExitCode.ok;
  }
  const place = findSpoolPlace('purge', { dir: settings.values['spool.dir'].value, capBytes: null });
  if (place !== null) adoptOrphans(place.dir);
  const hashes = new Set(backends.map((backend) => labelOf(backend, wishes).hash));
  const folders = keptFolders(stateDir).filter((folder) => word === 'all' || hashes.has(basename(folder)));
  const removed = folders.flatMap(removeAll);
  const busyBytes = folders.filter((folder) => existsSync(folder)).reduce((sum, folder) => sum + look(folder).bytes, 0);
  const traces = word === 'all' ? clearStore(traceStoreDir(stateDir)) : { files: 0, bytes: 0 };
  report({ removed, busyBytes, traces }, flags.json === true, context);
  return ExitCode.ok;
};

function removeAll(folder: string): Removed[] {
  const groups = new Map<string, Removed>();
  for (const file of listKept(folder)) {
    const { endpoint = null, service = null, environment = null } = readHeader(file.path) ?? {};
    if (!removeFile(file)) continue; // somebody has just taken it to send it
    const key = JSON.stringify([endpoint, service, environment, file.signal]);
    const before = groups.get(key) ?? { endpoint, service, environment, signal: file.signal, items: 0, files: 0, bytes: 0, oldest: new Date(Date.now() - file.age).toISOString() };
    groups.set(key, { ...before, items: before.items + file.count, files: before.files + 1, bytes: before.bytes + file.size });
  }
  removeWhereEmpty(folder);
  return [...groups.values()];
}

interface Report {
  readonly removed: readonly Removed[];
  readonly busyBytes: number;
  /** Of the local store. */
  readonly traces: { readonly files: number; readonly bytes: number };
}

function report({ removed, busyBytes, traces }: Report, json: boolean, { print }: CommandContext): void {
  if (json) return print(`${JSON.stringify({ removed, traces, beingSentBytes: busyBytes }, null, 2)}\n`);
  const lines = removed.map(({ endpoint, service, environment, signal, items, files, bytes, oldest }) => {
    return `removed ${inWords(items, signal)} for ${nameOwner({ endpoint, service, environment })}: ${files} ${files === 1 ? 'file' : 'files'}, ${Math.ceil(bytes / 1024)} KiB, the oldest of ${oldest}`;
  });
  if (traces.files > 0) lines.push(`removed the traces that \`otel-run traces\` showed: ${traces.files} ${traces.files === 1 ? 'file' : 'files'}, ${Math.ceil(traces.bytes / 1024)} KiB`);
  if (lines.length === 0) lines.push('nothing is kept');
  if (busyBytes > 0) lines.push(`${Math.ceil(busyBytes / 1024)} KiB are being sent by another process and were let alone`);
  print(`${lines.join('\n')}\n`);
}
