import type { SignalName } from '../plan/types.ts';
import { decodeLogs, decodeSpans, serviceName, type Attributes, type DecodedLogRecord, type DecodedSpan } from './decode.ts';
import { describeError, show } from './describe.ts';
import { requestToJson } from './json.ts';
import type { Message, Value } from './protobuf.ts';
import { duration, oneLine } from './words.ts';

/** Everything that a request holds, as text to read: one block an item. @throws MalformedOtlp */
export function writeItems(signal: SignalName, body: Uint8Array): string {
  switch (signal) {
    case 'traces':
      return decodeSpans(body).map(spanText).join('');
    case 'logs':
      return decodeLogs(body).map(logText).join('');
    case 'metrics':
      return metricsText(requestToJson('metrics', body));
  }
}

const LONGEST = 4000;

function spanText(span: DecodedSpan): string {
  const { status, scope, links, events } = span;
  const error = describeError(span);
  return block([
    `span ${oneLine(span.name)}  ${span.kind}  ${duration(span.endNano - span.startNano)}${status.code === 'unset' ? '' : `  ${status.code}`}${error === null || error === '' ? '' : `: ${error}`}`,
    `trace ${oneLine(span.traceId)}  span ${oneLine(span.spanId)}${span.parentSpanId === '' ? '' : `  parent ${oneLine(span.parentSpanId)}`}`,
    `at ${time(span.startNano)}  service ${oneLine(serviceName(span.resource))}${scope.name === '' ? '' : `  by ${oneLine(`${scope.name} ${scope.version}`)}`}`,
    ...attributeLines(span.attributes),
    ...events.flatMap((event) => [
      `event ${oneLine(event.name)} +${duration(event.timeNano - span.startNano)}`,
      ...attributeLines(event.attributes).map(indent),
    ]),
    ...links.flatMap((link) => [`link trace ${oneLine(link.traceId)} span ${oneLine(link.spanId)}`, ...attributeLines(link.attributes).map(indent)]),
  ]);
}

function logText(record: DecodedLogRecord): string {
  const head = [record.severityText || `severity ${record.severityNumber}`, record.eventName, show(record.body, LONGEST)];
  return block([
    `log ${head.filter((word) => word !== '').map((word) => oneLine(word, LONGEST)).join('  ')}`,
    `at ${time(record.timeNano)}  service ${oneLine(serviceName(record.resource))}${record.traceId === '' ? '' : `  trace ${oneLine(record.traceId)}  span ${oneLine(record.spanId)}`}`,
    ...attributeLines(record.attributes),
  ]);
}

/** Metrics have too many shapes for sentences: name, unit and kind, then each point as OTLP/JSON has it. */
function metricsText(request: Message): string {
  return list(request, 'resourceMetrics')
    .flatMap((level) => list(level, 'scopeMetrics'))
    .flatMap((level) => list(level, 'metrics'))
    .map((metric) => {
      const kind = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'].find((name) => metric[name] !== undefined) ?? 'no data';
      const points = list((metric[kind] ?? {}) as Message, 'dataPoints');
      const head = ['metric', metric.name, metric.unit, kind].filter((word) => typeof word === 'string').map((word) => oneLine(word));
      return block([head.join('  '), ...points.map((point) => oneLine(JSON.stringify(point), LONGEST))]);
    })
    .join('');
}

function list(message: Message, field: string): readonly Message[] {
  return (message[field] as Value[] | undefined as Message[] | undefined) ?? [];
}

function attributeLines(attributes: Attributes): string[] {
  return Object.entries(attributes).map(([key, value]) => `${oneLine(key)}: ${show(value, LONGEST)}`);
}

function block([head, ...lines]: readonly string[]): string {
  return `${head}\n${lines.map((line) => `${indent(line)}\n`).join('')}`;
}

function indent(line: string): string {
  return `  ${line}`;
}

function time(nanoseconds: bigint): string {
  const milliseconds = Number(nanoseconds / 1_000_000n);
  return milliseconds < 8.64e15 ? new Date(milliseconds).toISOString() : `${nanoseconds} ns`;
}
