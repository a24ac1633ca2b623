/**
 * However an application ends, the backend gets what it finished, each span once, and the ending is plain node's:
 * the built command line in both topologies, a real receiver, and the stock preload as the control.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { ensureNodes } from '../../scripts/setup/nodes.mjs';
import { startReceiver, type ReceivedSpan } from '../harness/receiver.ts';
import { startOtelRun, startPlainNode, type RunResult, type RunningProgram } from '../harness/run.ts';

interface Ending {
  readonly name: string;
  readonly signal?: NodeJS.Signals;
  readonly spans?: number;
}

const endings: readonly Ending[] = [
  ...['natural', 'exit-now', 'exit-later', 'really-exit', 'throw', 'rejection', 'in-exit-listener', 'abort', 'worker-exit'].map((name) => ({ name })),
  { name: 'signal', signal: 'SIGTERM' },
  { name: 'signal', signal: 'SIGINT' },
  { name: 'signal', signal: 'SIGKILL' },
  { name: 'signal-closes', signal: 'SIGTERM' },
  { name: 'burst', spans: 20_000 },
];

const nodes = await ensureNodes();
const cells = [
  ['oldest Node, parent', nodes.node20min!, 'parent'],
  ['newest Node, parent', nodes.node26!, 'parent'],
  ['newest Node, replace', nodes.node26!, 'replace'],
] as const;
const home = mkdtempSync(join(tmpdir(), 'delivered-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const fixture = (kind: string): string => fileURLToPath(new URL(`../fixtures/endings/endings.${kind}`, import.meta.url));

describe.each(cells)('%s', (_, node, topology) => {
  describe.each(['cjs', 'mjs'])('%s', (kind) => {
    test.each(endings)('$name $signal', async (ending) => {
      const receiver = await startReceiver();
      try {
        const env = { HOME: home, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl };
        const [traced, plain] = await Promise.all([
          play(startOtelRun({ node, topology, args: [node, fixture(kind), ending.name], env, ownSession: true }), ending, topology),
          play(startPlainNode({ node, args: [fixture(kind), ending.name], ownSession: true }), ending, 'replace'),
        ]);
        const count = ending.spans ?? 100;
        await receiver.waitForSpans((spans) => missing(spans, count).length === 0).catch(() => {});
        expect(missing(receiver.spans, count)).toEqual([]);
        expect(receiver.spans).toHaveLength(count);
        expect(receiver.errors).toEqual([]);
        expect(comparable(traced)).toEqual(comparable(plain));
      } finally {
        await receiver.close();
      }
    });
  });
});

test('control: under the stock preload process.exit() loses them, so that this check can fail', async () => {
  const receiver = await startReceiver();
  try {
    const stock = createRequire(import.meta.url).resolve('@opentelemetry/auto-instrumentations-node/register');
    const env = { HOME: home, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_NODE_RESOURCE_DETECTORS: 'env', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' };
    const { exitCode } = await startPlainNode({ node: nodes.node26!, args: ['--require', stock, fixture('cjs'), 'exit-now'], env }).ended;
    expect(exitCode).toBe(0);
    expect(missing(receiver.spans, 100)).toHaveLength(100);
  } finally {
    await receiver.close();
  }
});

async function play(program: RunningProgram, { signal }: Ending, topology: 'parent' | 'replace'): Promise<RunResult> {
  if (signal !== undefined) {
    await program.said('ready');
    // The launcher hands on every signal but the one that nobody sees coming: that one is for the application here.
    process.kill(signal === 'SIGKILL' && topology === 'parent' ? onlyChildOf(program.pid) : program.pid, signal);
  }
  return program.ended;
}

function onlyChildOf(pid: number): number {
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').map(Number);
  return child!;
}

/** Numbers of `span 1` … `span <last>` that have not come. */
function missing(spans: readonly ReceivedSpan[], last: number): number[] {
  const names = new Set(spans.map(({ name }) => name));
  return Array.from({ length: last }, (_, index) => index + 1).filter((number) => !names.has(`span ${number}`));
}

/** Frames inside Node, pids and addresses differ from run to run. */
function comparable({ stdout, stderr, exitCode, signal }: RunResult): object {
  const words = stderr.replace(/^ +at .*\n/gm, '').replace(/0x[0-9a-f]+|\(node:\d+\)|\b\d+: .*\n|^----- .*\n/gm, '').trim();
  return { stdout, stderr: words, exitCode, signal };
}
