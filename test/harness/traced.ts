import { execFileSync } from 'node:child_process';
import { startReceiver, type ReceivedSpan } from './receiver.ts';
import { otelRun, type RunOptions, type RunResult } from './run.ts';

export interface Traced {
  readonly result: RunResult;
  readonly spans: readonly ReceivedSpan[];
}

/**
 * Runs a program under the built command line until the span that it ends with has arrived. What it finished
 * earlier has then arrived too: spans travel in order.
 */
export async function runTraced(options: RunOptions, isLast: (span: ReceivedSpan) => boolean): Promise<Traced> {
  const receiver = await startReceiver();
  try {
    // What these runs are about is what arrives; on a machine that is busy with tests two seconds can pass before it can.
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_RUN_DRAIN_UNREACHED: '8000', ...options.env };
    const result = await otelRun({ ...options, env });
    try {
      await receiver.waitForSpans((spans) => spans.some(isLast));
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${result.stdout}\n${result.stderr}`);
    }
    return { result, spans: receiver.spans };
  } finally {
    await receiver.close();
  }
}

/** `v24.1.0` -> what `process.runtime.version` must be. */
export function versionOf(node: string): string {
  return execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim();
}

/** Spans of one trace as lines, children indented, in the order in which they began: `client GET`. */
export function outline(spans: readonly ReceivedSpan[], describe = ({ kind, name }: ReceivedSpan) => `${kind} ${name}`): string[] {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const below = (isChild: (span: ReceivedSpan) => boolean, depth: number): string[] =>
    spans
      .filter(isChild)
      .sort((a, b) => Number(a.startTimeUnixNano - b.startTimeUnixNano))
      .flatMap((span) => [`${'  '.repeat(depth)}${describe(span)}`, ...below((child) => child.parentSpanId === span.spanId, depth + 1)]);
  return below(({ parentSpanId }) => !known.has(parentSpanId), 0);
}
