import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AgentPlan } from '../../src/plan/types.ts';
import { FrameType } from '../../src/spool/frame.ts';
import { scanFrames } from '../../src/spool/scan.ts';
import { decodeProtobuf, type ReceivedSpan } from './otlp-decode.ts';

/** The preload of the built agent. */
export const preload = fileURLToPath(new URL('../../dist/agent/register.js', import.meta.url));

/** What the launcher would tell the agent, for tests of the agent alone. */
export function agentPlan(dir: string, changes: Partial<AgentPlan> = {}): AgentPlan {
  return {
    version: 1,
    run: '0123456789abcdef',
    preload,
    handOff: { kind: 'spool', dir, capBytes: 64 * 1024 * 1024, noticeFile: null },
    serviceName: null,
    serviceVersion: null,
    resource: {},
    detectors: null,
    traces: {
      sampler: { kind: 'parentbased', root: { kind: 'always_on' } },
      limits: { attributeCount: 128, eventCount: 128, linkCount: 128, attributePerEventCount: 128, attributePerLinkCount: 128 },
      recordStarts: 'long',
    },
    metrics: null,
    logs: null,
    propagators: ['tracecontext', 'baggage'],
    instrumentations: { only: null, disabled: [], options: {}, expressLayers: 'none' },
    redact: { names: [], attributes: [], patterns: [], keep: [] },
    verbosity: 'normal',
    ...changes,
  };
}

export interface SpooledSpans {
  readonly spans: readonly ReceivedSpan[];
  /** Items that the agent counted and did not write. */
  readonly dropped: number;
  /** Bytes that belong to no whole frame. */
  readonly skipped: number;
  readonly segments: number;
  /** Segments that their writer closed. */
  readonly ended: number;
}

/** Everything that the segments of a spool directory hold, as an exporter would send it. */
export function readSpool(dir: string): SpooledSpans {
  const found = { spans: [] as ReceivedSpan[], dropped: 0, skipped: 0, segments: 0, ended: 0 };
  for (const name of segmentNames(dir)) {
    const { frames, skipped } = scanFrames(readFileSync(join(dir, name)), true);
    found.segments++;
    found.skipped += skipped;
    let resource = Buffer.alloc(0);
    const scopes = new Map<number, Buffer>();
    for (const frame of frames) {
      if (frame.type === FrameType.resource) resource = frame.payload as Buffer<ArrayBuffer>;
      if (frame.type === FrameType.scope) scopes.set(frame.scope, frame.payload);
      if (frame.type === FrameType.drops) found.dropped += frame.count;
      if (frame.type === FrameType.end) found.ended++;
      if (frame.type !== FrameType.items) continue;
      const scope = scopes.get(frame.scope);
      if (scope === undefined) throw new Error(`${name}: items of scope ${frame.scope} before the scope itself`);
      const request = lengthDelimited(1, Buffer.concat([resource, lengthDelimited(2, Buffer.concat([scope, frame.payload]))]));
      const { spans } = decodeProtobuf('traces', request);
      if (spans.length !== frame.count) throw new Error(`${name}: a frame counts ${frame.count} and holds ${spans.length}`);
      found.spans.push(...spans);
    }
  }
  return found;
}

function segmentNames(dir: string): string[] {
  try {
    return readdirSync(dir).filter((name) => name.endsWith('.seg'));
  } catch {
    return []; // nothing was ever written
  }
}

function lengthDelimited(field: number, content: Buffer): Buffer {
  const head = [(field << 3) | 2];
  let length = content.length;
  for (; length > 127; length >>>= 7) head.push((length & 127) | 128);
  head.push(length);
  return Buffer.concat([Buffer.from(head), content]);
}
