/**
 * Takes credentials and personal values out of what a span says, before its first byte is written anywhere.
 * Rules, not guesses: names of attributes, query parameters, options and headers; literals of statements; the shapes of
 * well-known tokens; the user's own patterns. What no rule knows (a secret in a path segment, a password as a bare word of an
 * error message) passes; docs/secrets.md says so.
 */
import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { RedactPlan } from '../../plan/types.ts';
import { createGlobs, createSecretNames, type SecretNames } from './names.ts';
import { createOwnPatterns } from './own-patterns.ts';
import { redactSql } from './sql.ts';
import { REDACTED } from './redacted.ts';
import { createTextRedactor } from './text.ts';
import { hideUnsaid } from './unsaid.ts';

export interface Redactor {
  /** The attributes of one span, event, link or resource: the same object where nothing had to change. */
  attributes(attributes: Attributes): Attributes;
  /** The name of a span with these attributes. */
  name(name: string, attributes: Attributes): string;
  /** Status messages, names of events and scopes, and other free text. */
  text(value: string): string;
}

const URL_KEYS = new Set(['url.full', 'url.query', 'url.fragment', 'url.original', 'url.path', 'http.url', 'http.target', 'http.route', 'messaging.url', 'graphql.url', 'aws.sqs.queue.url', 'messaging.destination.name']);
const STATEMENT_KEYS = new Set(['db.query.text', 'db.statement']);
const ARGUMENT_KEYS = new Set(['process.command_args', 'process.command_line']);
/** Data of the application by what they are: parameters of statements, variables of GraphQL, keys of messages, the environment. */
const VALUE_KEY = /^(?:db\.(?:query|operation)\.parameter\.|db\.(?:postgresql|mysql)\.values$|graphql\.variables\.|messaging\.kafka\.message(?:\.|_)key$|process\.environment_variable\.)/;
const HEADER_KEY = /^(?:http\.(?:request|response)\.header|rpc\.(?:request|response)\.metadata|messaging\.header)\.(.+)$/;
const SECRET_HEADER = /^(?:cookie|set[-_]cookie|proxy[-_]authorization|x[-_]amz[-_]security[-_]token|www[-_]authenticate|proxy[-_]authenticate|authentication[-_]info)$/i;
const URL_HEADER = /^(?:location|content[-_]location|referer|referrer|link|refresh|x[-_](?:original|rewrite|forwarded)[-_]ur[il]|:path)$/i;
/** On nearly every span, written by instrumentations from closed sets or from what a socket says: not looked at. */
const SAFE_KEYS = new Set([
  'http.request.method', 'http.response.status_code', 'http.method', 'http.scheme', 'http.flavor', 'http.status_code', 'url.scheme',
  'network.protocol.name', 'network.protocol.version', 'network.peer.address', 'network.transport', 'network.type', 'db.system', 'db.system.name', 'messaging.system', 'rpc.system',
]);
/** The instrumentation takes them from the statement, up to its first space. */
const OPERATION_KEYS = new Set(['db.operation', 'db.operation.name', 'db.sql.table']);
const KEY_VALUE_SYSTEMS = new Set(['redis', 'valkey', 'memcached']);
/** Their statements are documents, scrubbed by the instrumentation that makes them. */
const DOCUMENT_SYSTEMS = new Set(['mongodb', 'elasticsearch', 'opensearch', 'couchdb', 'couchbase', 'aws.dynamodb', 'dynamodb', 'neo4j']);
const QUOTED_STRING_SYSTEMS = new Set(['mysql', 'mariadb']);
/** Nested values are followed this far, as they are encoded. */
const MAX_DEPTH = 8;

export function createRedactor(plan: RedactPlan): Redactor {
  const names = createSecretNames(plan);
  const isOwn = createGlobs(plan.attributes);
  const { url, text: rules } = createTextRedactor(names);
  const own = createOwnPatterns(plan.patterns);
  const text = (value: string): string => own(rules(hideUnsaid(value)));

  const known = new Map<string, Key>();
  const keyOf = (key: string): Key => {
    let found = known.get(key);
    if (found === undefined) {
      found = { name: text(key), kind: isOwn(key) ? 'secret' : classify(key, names) };
      if (known.size < 1000) known.set(key, found);
    }
    return found;
  };

  const cleanString = (kind: KeyKind, value: string, attributes: Attributes): string => {
    switch (kind) {
      case 'safe':
        return own(value);
      case 'statement':
        return own(redactStatement(value, attributes, text));
      case 'operation':
        return own(OPERATION.exec(value)?.[0] ?? '?');
      case 'url':
        return own(url(value));
      default:
        return text(value);
    }
  };

  const clean = (kind: KeyKind, value: unknown, attributes: Attributes, depth: number): unknown => {
    if (kind === 'secret' && typeof value !== 'boolean') return Array.isArray(value) ? [REDACTED] : REDACTED;
    if (typeof value === 'string') return cleanString(kind, value, attributes);
    // Parts of log records: OTLP has no word for them, and they are written as text.
    if (typeof value === 'bigint' || typeof value === 'symbol') return text(String(value));
    if (typeof value !== 'object' || value === null || depth >= MAX_DEPTH || value instanceof Uint8Array) return value;
    if (!Array.isArray(value)) return cleanRecord(value as Attributes, depth + 1);
    const list = value.map((entry, at) => (isSecretOption(value[at - 1], names) ? REDACTED : clean(kind, entry, attributes, depth + 1)));
    return list.some((entry, at) => entry !== value[at]) ? list : value;
  };

  const cleanRecord = (attributes: Attributes, depth: number): Attributes => {
    let changed: Attributes | null = null;
    for (const key in attributes) {
      const value = attributes[key];
      if (value === undefined) continue;
      const { name, kind } = keyOf(key);
      const result = kind === 'drop' ? undefined : clean(kind, value, attributes, depth);
      if (result === value && name === key) continue;
      changed ??= { ...attributes };
      if (name !== key) delete changed[key];
      if (result === undefined) delete changed[name];
      else changed[name] = result as AttributeValue;
    }
    return changed ?? attributes;
  };

  return {
    attributes: (attributes) => cleanRecord(attributes, 0),
    name(name, attributes) {
      const isStatement = ODD_NAME.test(name) && ('db.query.text' in attributes || 'db.statement' in attributes);
      return text(isStatement ? redactStatement(name, attributes, text) : name);
    },
    text,
  };
}

/** What instrumentations take for a statement's command where no space follows it (`SELECT\n'a'`, `SELECT/*a*\/1`). */
const ODD_NAME = /['"\n\t(/;-]/;
const OPERATION = /^[\w.:]+(?: [\w.:]+){0,5}/;

type KeyKind = 'safe' | 'drop' | 'secret' | 'arguments' | 'statement' | 'operation' | 'url' | 'text';

interface Key {
  /** A key may itself hold what must not be said. */
  readonly name: string;
  readonly kind: KeyKind;
}

function classify(key: string, names: SecretNames): KeyKind {
  const isKept = names.isKept(key);
  if (ARGUMENT_KEYS.has(key)) return isKept ? 'arguments' : 'drop';
  if (STATEMENT_KEYS.has(key)) return isKept ? 'text' : 'statement';
  if (VALUE_KEY.test(key)) return isKept ? 'text' : 'secret';
  if (URL_KEYS.has(key)) return 'url';
  if (OPERATION_KEYS.has(key)) return 'operation';
  const header = HEADER_KEY.exec(key)?.[1];
  if (header !== undefined) return classifyHeader(header, isKept, names);
  if (names.attribute(key)) return 'secret';
  return SAFE_KEYS.has(key) ? 'safe' : 'text';
}

function classifyHeader(header: string, isKept: boolean, names: SecretNames): KeyKind {
  if (!isKept && !names.isKept(header) && (names.parameter(header) || SECRET_HEADER.test(header))) return 'secret';
  return URL_HEADER.test(header) ? 'url' : 'text';
}

/** `--token` before its value in a list of arguments. */
function isSecretOption(argument: unknown, names: SecretNames): boolean {
  return typeof argument === 'string' && /^-/.test(argument) && names.parameter(argument.replace(/^-+/, ''));
}

function redactStatement(value: string, attributes: Attributes, text: (value: string) => string): string {
  const system = String(attributes['db.system.name'] ?? attributes['db.system'] ?? '');
  if (KEY_VALUE_SYSTEMS.has(system)) return keyValueCommand(value);
  if (DOCUMENT_SYSTEMS.has(system)) return text(value);
  return redactSql(value, QUOTED_STRING_SYSTEMS.has(system));
}

/** The commands alone: keys and values of a key-value store are the application's data. */
function keyValueCommand(value: string): string {
  return value
    .split('\n')
    .map((line) => /^\s*([A-Za-z][\w.-]*)(?=\s|$)(.*)$/s.exec(line))
    .map((match) => (match === null ? '?' : match[2]!.trim() === '' || /^ \[\d+ (?:keys?|other arguments?|arguments?)\]$/.test(match[2]!) ? match[0].trim() : `${match[1]} ?`))
    .join('\n');
}
