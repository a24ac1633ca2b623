import type { AttributeValue, Attributes, DecodedSpan } from './decode.ts';
import type { Piece, Style } from './paint.ts';
import { counted, oneLine } from './words.ts';

/** What a span was about, in a few words behind its name: kind, status, and the attributes that its family is known by. */
export function describeSpan(span: DecodedSpan): Piece[] {
  const { attributes, kind, name } = span;
  const pieces: Piece[] = [];
  const add = (text: string, style: Style = 'dim'): void => {
    if (text !== '' && !name.includes(text)) pieces.push({ text, style });
  };
  if (kind !== 'internal' && kind !== 'unspecified') pieces.push({ text: kind, style: 'dim' });

  const family = families.find(({ sign }) => sign.some((key) => attributes[key] !== undefined));
  if (family !== undefined) family.describe(span, add);
  else for (const [key, value] of Object.entries(attributes).filter(isOwn).slice(0, 4)) add(`${oneLine(key, 60)}=${show(value, 60)}`);

  const others = span.events.filter((event) => event.name !== 'exception').length;
  if (others > 0) add(counted(others, 'event'));
  if (span.links.length > 0) add(counted(span.links.length, 'link'));
  const { attributes: lost, events, links } = span.droppedCounts;
  if (lost + events + links > 0) add(`${lost + events + links} dropped by limits`, 'yellow');
  return pieces;
}

/** What went wrong, or null where there is nothing to add: the last exception, else the words of the status. */
export function describeError({ status, events, attributes }: DecodedSpan): string | null {
  const exception = events.findLast((event) => event.name === 'exception')?.attributes;
  if (exception === undefined && status.code !== 'error') return null;
  const type = show(exception?.['exception.type'] ?? attributes['error.type'], 200);
  const message = show(exception?.['exception.message'], 1000) || oneLine(status.message, 1000);
  if (message === '') return type !== '' && type === statusOf(attributes) ? null : type; // the status says it already
  return type === '' || type === 'Error' || message.includes(type) ? message : `${type}: ${message}`;
}

type Add = (text: string, style?: Style) => void;

interface Family {
  /** An attribute that only spans of this family have: newest conventions first. */
  readonly sign: readonly string[];
  describe(span: DecodedSpan, add: Add): void;
}

const families: readonly Family[] = [
  {
    sign: ['messaging.system'],
    describe({ attributes }, add) {
      add(first(attributes, 'messaging.system'));
      add(first(attributes, 'messaging.destination.name', 'messaging.destination'));
      const batch = first(attributes, 'messaging.batch.message_count');
      if (batch !== '') add(`×${batch}`);
      add(first(attributes, 'messaging.message.id', 'messaging.message_id'));
    },
  },
  {
    sign: ['db.system.name', 'db.system'],
    describe({ attributes }, add) {
      add(first(attributes, 'db.system.name', 'db.system'));
      add(first(attributes, 'db.namespace', 'db.name'));
      add(server(attributes));
      add(first(attributes, 'db.query.summary'));
      add(first(attributes, 'aws.dynamodb.table_names'));
      add(first(attributes, 'db.query.text', 'db.statement'), 'plain');
    },
  },
  {
    sign: ['rpc.system.name', 'rpc.system'],
    describe({ attributes }, add) {
      add(first(attributes, 'rpc.system.name', 'rpc.system'));
      add(first(attributes, 'rpc.service'));
      add(first(attributes, 'rpc.method'));
      add(first(attributes, 'aws.s3.bucket', 'aws.sns.topic.arn', 'aws.sqs.queue.url', 'faas.invoked_name'));
      add(first(attributes, 'cloud.region', 'aws.region'));
      addStatus(attributes, add);
      add(server(attributes));
    },
  },
  {
    sign: ['http.request.method', 'http.method'],
    describe({ attributes, kind }, add) {
      addStatus(attributes, add);
      add(first(attributes, 'http.request.method', 'http.method'));
      if (kind === 'client') {
        add(first(attributes, 'url.full', 'http.url') || server(attributes), 'plain');
      } else {
        add(first(attributes, 'http.route'));
        const query = first(attributes, 'url.query');
        add(query === '' ? first(attributes, 'url.path', 'http.target') : `${first(attributes, 'url.path')}?${query}`, 'plain');
      }
      const resent = first(attributes, 'http.request.resend_count');
      if (resent !== '') add(`try ${Number(resent) + 1}`);
    },
  },
];

function addStatus(attributes: Attributes, add: Add): void {
  const status = statusOf(attributes);
  if (status !== '') add(status, status >= '500' ? 'red' : status >= '400' ? 'yellow' : 'green');
}

function statusOf(attributes: Attributes): string {
  return first(attributes, 'http.response.status_code', 'http.status_code');
}

function server(attributes: Attributes): string {
  const address = first(attributes, 'server.address', 'net.peer.name');
  const port = first(attributes, 'server.port', 'net.peer.port');
  return address === '' || port === '' ? address : `${address}:${port}`;
}

function first(attributes: Attributes, ...keys: readonly string[]): string {
  for (const key of keys) if (attributes[key] !== undefined) return show(attributes[key], 300);
  return '';
}

/** What an application says on spans of its own, without what instrumentations say on every span. */
function isOwn([key]: [string, AttributeValue]): boolean {
  return !/^(?:thread|code|network|net|user_agent|server|client|otel|telemetry)\./.test(key);
}

export function show(value: AttributeValue | undefined, limit: number): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return oneLine(value, limit);
  if (typeof value !== 'object') return String(value);
  if (value instanceof Uint8Array) return counted(value.length, 'byte');
  // A list of a million entries is cut before it is joined, and nesting is not followed for ever.
  if (Array.isArray(value)) return oneLine(`[${value.slice(0, 20).map((item) => (isNested(item) ? '…' : show(item, limit))).join(', ')}${value.length > 20 ? ', …' : ''}]`, limit);
  const entries = Object.entries(value).slice(0, 20).map(([key, item]) => `${key}: ${isNested(item) ? '…' : show(item, limit)}`);
  return oneLine(`{${entries.join(', ')}}`, limit);
}

function isNested(value: AttributeValue): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}
