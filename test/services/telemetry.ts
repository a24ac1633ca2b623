import { existsSync, readFileSync } from 'node:fs';
import type { Collector } from './collector.ts';
import { waitFor } from './server.ts';

type AttributeValue = string | number | boolean | readonly AttributeValue[] | undefined;
export type Attributes = { readonly [key: string]: AttributeValue };

/** A span as the Collector received it, its attributes and its resource's as plain values. */
export type ReceivedSpan = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  /** OTLP's numbers: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: Attributes;
  readonly resource: Attributes;
  readonly scope: string;
  readonly events: readonly { readonly name: string; readonly attributes: Attributes }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
};

/** The spans that have arrived at the Collector by now and satisfy `where`. */
export function readSpans(collector: Pick<Collector, 'file'>, where: (span: ReceivedSpan) => boolean = () => true): ReceivedSpan[] {
  if (!existsSync(collector.file)) return [];
  const written = readFileSync(collector.file, 'utf8');
  return written
    .slice(0, written.lastIndexOf('\n') + 1) // the last line may be half written
    .split('\n')
    .filter((line) => line.includes('"resourceSpans"'))
    .flatMap((line) => spansOf(JSON.parse(line) as ExportRequest))
    .filter(where);
}

/** Waits until `count` spans that satisfy `where` have arrived, and resolves with them. */
export async function waitForSpans(
  collector: Pick<Collector, 'file'>,
  where: (span: ReceivedSpan) => boolean,
  count = 1,
  timeoutMs = 10_000,
): Promise<ReceivedSpan[]> {
  let spans: ReceivedSpan[] = [];
  await waitFor(`${count} spans at the Collector`, timeoutMs, async () => {
    spans = readSpans(collector, where);
    return spans.length >= count;
  }).catch((error: Error) => {
    throw new Error(`${error.message}; ${spans.length} came: ${spans.map((span) => span.name).join(', ')}`);
  });
  return spans;
}

type AnyValue = {
  readonly stringValue?: string;
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values?: readonly AnyValue[] };
};
type KeyValue = { readonly key: string; readonly value?: AnyValue };
type OtlpSpan = Omit<ReceivedSpan, 'attributes' | 'resource' | 'scope' | 'events' | 'links' | 'parentSpanId' | 'status'> & {
  readonly parentSpanId?: string;
  readonly status?: ReceivedSpan['status'];
  readonly attributes?: readonly KeyValue[];
  readonly events?: readonly { readonly name: string; readonly attributes?: readonly KeyValue[] }[];
  readonly links?: ReceivedSpan['links'];
};
type ExportRequest = {
  readonly resourceSpans: readonly {
    readonly resource?: { readonly attributes?: readonly KeyValue[] };
    readonly scopeSpans?: readonly { readonly scope?: { readonly name?: string }; readonly spans?: readonly OtlpSpan[] }[];
  }[];
};

function spansOf(request: ExportRequest): ReceivedSpan[] {
  return request.resourceSpans.flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ scope, spans = [] }) =>
      spans.map((span) => ({
        ...span,
        parentSpanId: span.parentSpanId ?? '',
        status: span.status ?? {},
        attributes: plain(span.attributes),
        resource: plain(resource?.attributes),
        scope: scope?.name ?? '',
        events: (span.events ?? []).map((event) => ({ ...event, attributes: plain(event.attributes) })),
        links: span.links ?? [],
      })),
    ),
  );
}

function plain(attributes: readonly KeyValue[] = []): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)]));
}

function valueOf(value: AnyValue = {}): AttributeValue {
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.arrayValue) return (value.arrayValue.values ?? []).map(valueOf);
  return value.stringValue ?? value.doubleValue ?? value.boolValue;
}
