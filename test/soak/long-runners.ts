/** Applications that run as long as the soak does, one a topology: what they, their launchers and exporters hold must not grow. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isApplication, playStep, processesOf, type Place, type Played } from './play-step.ts';
import type { Step } from './walk.ts';

export interface LongRunner {
  readonly step: Step;
  readonly played: Promise<Played>;
  /** Takes a sample of every process. */
  look(): void;
  stop(): void;
  /** What has grown, in words; to be asked when it has ended. */
  faults(): string[];
}

interface Sample {
  readonly at: number;
  readonly rssMiB: number;
  readonly descriptors: number;
}

/** Numbers of steps that are none. */
const FIRST = 1_000_000;
const WARM_MS = 30_000;
const GROWTH_MIB_PER_MINUTE = 1;
/** What a garbage collector leaves to chance. */
const SWING_MIB = 40;
const DESCRIPTORS = 8;

export function startLongRunner(topology: Step['topology'], place: Place, soakMs: number): LongRunner {
  const step: Step = {
    number: FIRST + (topology === 'replace' ? 0 : 1),
    topology,
    program: { kind: 'node', nodeOptions: [], app: 'numbered', words: ['handles', String(soakMs), '1'] },
    service: 'soak-a',
    signal: null,
    killExporterMs: null,
    expected: { code: 0, signal: null },
    isLoud: false,
  };
  const marker = join(place.dir, `step-${step.number}`);
  const samples = new Map<number, Sample[]>();
  const started = Date.now();
  return {
    step,
    played: playStep(step, place, Infinity),
    look() {
      for (const pid of processesOf(marker)) {
        const sample = sampleOf(pid, started);
        if (sample !== null) samples.set(pid, [...(samples.get(pid) ?? []), sample]);
      }
    },
    stop() {
      for (const pid of processesOf(marker)) {
        if (isApplication(pid)) process.kill(pid, 'SIGTERM');
      }
    },
    faults: () => [...samples].flatMap(([pid, all]) => growth(pid, topology, all)),
  };
}

function growth(pid: number, topology: string, all: readonly Sample[]): string[] {
  const warm = all.filter(({ at }) => at > WARM_MS);
  if (warm.length < 10) return [];
  const half = Math.floor(warm.length / 2);
  const [before, after] = [warm.slice(0, half), warm.slice(half)];
  const minutes = (after[Math.floor(after.length / 2)]!.at - before[Math.floor(before.length / 2)]!.at) / 60_000;
  const grown = median(after.map(({ rssMiB }) => rssMiB)) - median(before.map(({ rssMiB }) => rssMiB));
  const opened = median(after.map(({ descriptors }) => descriptors)) - median(before.map(({ descriptors }) => descriptors));
  return [
    ...(grown > SWING_MIB + GROWTH_MIB_PER_MINUTE * minutes ? [`process ${pid} (${topology}) grew by ${grown.toFixed(0)} MiB in ${minutes.toFixed(1)} minutes`] : []),
    ...(opened > DESCRIPTORS ? [`process ${pid} (${topology}) holds ${opened} more descriptors than before`] : []),
  ];
}

function sampleOf(pid: number, started: number): Sample | null {
  try {
    const rss = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
    return { at: Date.now() - started, rssMiB: rss / 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return null; // it has ended
  }
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}
