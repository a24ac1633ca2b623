import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { nodes } from './nodes.ts';
import { startReceiver, type ReceivedSpan } from './receiver.ts';
import { otelRun, plainNode, type RunResult } from './run.ts';

/** Oldest and newest Node, each with `require` and with `import`. */
export const familyCells = ([['oldest Node', nodes.node20min!], ['newest Node', nodes.node26!]] as const).flatMap(([age, node]) =>
  (['cjs', 'mjs'] as const).map((kind) => ({ name: `${age}, ${kind === 'cjs' ? 'CommonJS' : 'ES module'}`, node, kind })),
);

export interface Program {
  readonly node: string;
  /** Below test/apps, without its extension. */
  readonly app: string;
  readonly kind: 'cjs' | 'mjs';
  /** `run` tells the two runs apart, for names that must not be shared. */
  readonly env: (run: 'traced' | 'plain') => Readonly<Record<string, string>>;
  /** What must be found nowhere in what is sent, besides `planted`. */
  readonly secrets?: readonly string[];
}

/**
 * Runs a program of test/apps under otel-run and under plain node: the same words and ending from both, and nothing
 * that was planted in what was sent.
 */
export async function playFamily({ node, app, kind, env, secrets = [] }: Program): Promise<readonly ReceivedSpan[]> {
  const script = fileURLToPath(new URL(`../apps/${app}.${kind}`, import.meta.url));
  const receiver = await startReceiver();
  try {
    const traced = await otelRun({ node, args: [node, script], env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_RUN_WAIT: 'true', ...env('traced') }, timeoutMs: 60_000 });
    const plain = await plainNode({ node, args: [script], env: env('plain'), timeoutMs: 60_000 });
    expect(wordsOf(traced)).toEqual(wordsOf(plain));
    expect(traced).toMatchObject({ exitCode: 0, signal: null });
    expect(traced.stdout).toMatch(/done\n$/);
    expect(receiver.errors).toEqual([]);
    expect(findSecrets(receiver.requests.map(({ body }) => body.toString('latin1')).join('\n'), secrets)).toEqual([]);
    return receiver.spans;
  } finally {
    await receiver.close();
  }
}

/** With what stands around them, so that a failure says where they were. */
function findSecrets(sent: string, secrets: readonly string[]): string[] {
  const quoted = ['planted', ...secrets].map((secret) => secret.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return [...sent.matchAll(new RegExp(`[ -~]{0,60}(?:${quoted.join('|')})[ -~]{0,40}`, 'gi'))].map(([found]) => found);
}

/** Without what differs from run to run in Node's warnings: the process id, and the time in kafkajs' timeouts. */
function wordsOf({ stdout, stderr, exitCode, signal }: RunResult): Omit<RunResult, 'pid'> {
  return { stdout, stderr: stderr.replace(/\(node:\d+\)/g, '(node)').replace(/: -\d+ is a negative number/, ': a negative number'), exitCode, signal };
}
