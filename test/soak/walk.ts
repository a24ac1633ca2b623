/** The random walk, from its seed: what is run, how it ends, what goes wrong meanwhile. Pure: the same seed is the same walk. */
import type { Misbehaviour } from '../harness/receiver.ts';

export type Random = () => number;

/** Mulberry32: small, and good enough to shuffle by. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Step {
  readonly number: number;
  readonly topology: 'replace' | 'parent';
  /** `node` with these words, or a shell with this script (`$NODE` and `$APPS` are set). */
  readonly program: { readonly kind: 'node'; readonly nodeOptions: readonly string[]; readonly app: string; readonly words: readonly string[] } | { readonly kind: 'sh'; readonly script: string };
  readonly service: string;
  /** Sent to the command, so many milliseconds after it said that it is ready. */
  readonly signal: { readonly name: NodeJS.Signals; readonly to: 'command' | 'group' | 'application'; readonly afterMs: number } | null;
  /** The exporter (the launcher that holds it, in the parent topology) is killed so long after the start. */
  readonly killExporterMs: number | null;
  readonly expected: { readonly code: number | null; readonly signal: NodeJS.Signals | null };
  /** What its applications write to stderr under plain node is theirs. */
  readonly isLoud: boolean;
}

export interface Weather {
  readonly trouble: Misbehaviour | { readonly kind: 'refused' } | null;
  readonly ms: number;
}

export function stepOf(seed: number, number: number): Step {
  const random = randomOf(seed * 7919 + number);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
  const between = (least: number, most: number): number => Math.round(least + random() * (most - least));
  const topology = pick(['replace', 'parent'] as const);
  const service = pick(['soak-a', 'soak-b']);
  const ms = between(20, 1200);
  const each = between(1, 12);
  const killExporterMs = random() < 0.12 ? between(1200, 2500) : null;
  const lasting = killExporterMs === null ? ms : between(2500, 3500);
  const base = { number, topology, service, killExporterMs, signal: null, isLoud: false, expected: { code: 0, signal: null } };
  const node = (app: string, ...words: readonly (string | number)[]): Step['program'] => ({ kind: 'node', nodeOptions: [], app, words: words.map(String) });
  const told = (ending: string, signal: NonNullable<Step['signal']>, expected: Step['expected']): Step => ({ ...base, program: node('numbered', ending, lasting, each), signal, expected });
  const afterMs = killExporterMs === null ? between(0, 800) : lasting;

  switch (pick(['numbered', 'numbered', 'numbered', 'told', 'told', 'told', 'server', 'server', 'threads', 'family', 'family', 'shell'] as const)) {
    case 'numbered': {
      const ending = random() < 0.04 ? 'outOfMemory' : pick(['natural', 'natural', 'exit', 'exitListener', 'throw', 'reject', 'abort']);
      const expected: Record<string, Step['expected']> = {
        natural: { code: 0, signal: null },
        exit: { code: 3, signal: null },
        exitListener: { code: 4, signal: null },
        throw: { code: 1, signal: null },
        reject: { code: 1, signal: null },
        abort: { code: null, signal: 'SIGABRT' },
        outOfMemory: { code: null, signal: 'SIGABRT' },
      };
      const program = { kind: 'node', nodeOptions: ending === 'outOfMemory' ? ['--max-old-space-size=40'] : [], app: 'numbered', words: [ending, String(lasting), String(each)] } as const;
      return { ...base, program, expected: expected[ending]!, isLoud: ['throw', 'reject', 'abort', 'outOfMemory'].includes(ending) };
    }
    case 'told':
      return pick([
        () => told('stays', { name: 'SIGTERM', to: 'command', afterMs }, { code: null, signal: 'SIGTERM' }),
        () => told('stays', { name: 'SIGKILL', to: 'application', afterMs }, { code: null, signal: 'SIGKILL' }),
        () => told('stays', { name: 'SIGINT', to: 'group', afterMs }, { code: null, signal: 'SIGINT' }),
        () => told('stays', { name: 'SIGHUP', to: 'command', afterMs }, { code: null, signal: 'SIGHUP' }),
        () => told('handles', { name: 'SIGTERM', to: 'command', afterMs }, { code: 0, signal: null }),
        () => told('handlesAndExits', { name: 'SIGTERM', to: 'group', afterMs }, { code: 0, signal: null }),
      ])();
    case 'server':
      return random() < 0.7
        ? { ...base, program: node('server', 'handles', between(1, 3)), signal: { name: 'SIGTERM', to: 'command', afterMs: afterMs + 200 } }
        : { ...base, program: node('server', 'stays', between(1, 3)), signal: { name: 'SIGKILL', to: 'application', afterMs: afterMs + 200 }, expected: { code: null, signal: 'SIGKILL' } };
    case 'threads': {
      const ending = pick(['natural', 'exit']);
      return { ...base, program: node('threads', ending, lasting, each), expected: { code: ending === 'exit' ? 3 : 0, signal: null } };
    }
    case 'family':
      return { ...base, program: node('family', pick(['fork', 'cluster', 'between', 'daemon']), lasting, each) };
    case 'shell': {
      const app = (ending: string): string => `"$NODE" "$APPS/numbered.cjs" ${ending} ${lasting} ${each}`;
      return { ...base, topology: 'parent', program: { kind: 'sh', script: pick([`${app('natural')} & ${app('exit')} & wait`, `${app('exit')}; ${app('natural')}`, `${app('natural')} | cat; exit 0`]) } };
    }
  }
}

/** What the backend is like, for how long; well about half of the time. */
export function weatherOf(seed: number, number: number): Weather {
  const random = randomOf(seed * 104_729 + number);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
  const ms = 800 + Math.round(random() * 3200);
  if (number === 0 || random() < 0.45) return { ms, trouble: null };
  return {
    ms,
    trouble: pick<NonNullable<Weather['trouble']>>([
      { kind: 'refused' },
      { kind: 'refused' },
      { kind: 'hang' },
      { kind: 'slow', delayMs: 700 },
      { kind: 'status', status: 503 },
      { kind: 'status', status: 429, retryAfterMs: 1000 },
      { kind: 'status', status: 500, times: 2 },
      { kind: 'status', status: 400, times: 1 },
      { kind: 'reset' },
      { kind: 'cut' },
      { kind: 'garbage' },
      { kind: 'limit', items: 20 },
      { kind: 'partial', rejected: 1, message: 'too old', times: 1 },
    ]),
  };
}
