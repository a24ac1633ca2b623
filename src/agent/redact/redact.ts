/**
 * Takes credentials and personal values out of what a span says, before its first byte is written anywhere.
 * Rules, not guesses: names of query parameters, options and headers; literals of statements; the shapes of
 * AWS key ids, JSON Web Tokens and authorization schemes. What no rule knows (a secret in a path segment, a
 * password as a bare word of an error message) passes; the documentation says so.
 */
import type { Attributes, AttributeValue } from '@opentelemetry/api';
import { createSecretNames } from './names.ts';
import { redactSql } from './sql.ts';
import { REDACTED, createTextRedactor, type TextRedactor } from './text.ts';

export interface Redactor {
  /** The attributes of one span, event or link: the same object where nothing had to change. */
  attributes(attributes: Attributes): Attributes;
  /** Span names, status messages, and other free text. */
  text(value: string): string;
}

const URL_KEYS = new Set(['url.full', 'url.query', 'url.fragment', 'url.original', 'http.url', 'http.target', 'messaging.url', 'graphql.url', 'aws.sqs.queue.url', 'messaging.destination.name']);
const STATEMENT_KEYS = new Set(['db.query.text', 'db.statement']);
const ARGUMENT_KEYS = new Set(['process.command_args', 'process.command_line']);
const HEADER_KEY = /^(?:http\.(?:request|response)\.header|rpc\.(?:request|response)\.metadata|messaging\.header)\.(.+)$/;
/** Written by instrumentations from closed sets or from what cannot hold a secret: not looked at. */
const SAFE_KEY = /^(?:http\.(?:request\.(?:method|method_original|body\.size)|response\.status_code|route)|url\.scheme|network\.|server\.(?:address|port)|client\.(?:address|port)|net\.|user_agent\.|error\.type|exception\.type|rpc\.(?:system|service|method)|db\.(?:system|namespace|operation|collection)|messaging\.(?:system|operation|kafka|batch)|otel\.|code\.|thread\.|cloud\.|aws\.request_id)/;
const KEY_VALUE_SYSTEMS = new Set(['redis', 'valkey', 'memcached']);
/** Their statements are documents, scrubbed by the instrumentation that makes them. */
const DOCUMENT_SYSTEMS = new Set(['mongodb', 'elasticsearch', 'opensearch', 'couchdb', 'couchbase', 'aws.dynamodb', 'dynamodb', 'neo4j']);
const QUOTED_STRING_SYSTEMS = new Set(['mysql', 'mariadb']);

export function createRedactor(extraNames: readonly string[]): Redactor {
  const isSecret = createSecretNames(extraNames);
  const text = createTextRedactor(isSecret);

  const kinds = new Map<string, KeyKind>();
  const kindOf = (key: string): KeyKind => {
    let kind = kinds.get(key);
    if (kind === undefined) {
      kind = classify(key, isSecret);
      if (kinds.size < 1000) kinds.set(key, kind);
    }
    return kind;
  };

  const one = (key: string, value: AttributeValue, attributes: Attributes): AttributeValue | undefined => {
    const kind = kindOf(key);
    if (kind === 'safe') return value;
    if (kind === 'drop') return undefined;
    if (kind === 'secret') return Array.isArray(value) ? [REDACTED] : REDACTED;
    if (typeof value === 'string') return redactString(kind, value, attributes, text);
    if (Array.isArray(value)) return redactList(kind, value, attributes, text);
    return value;
  };

  return {
    attributes(attributes) {
      let changed: Attributes | null = null;
      for (const key in attributes) {
        const value = attributes[key];
        if (value === undefined || typeof value === 'number' || typeof value === 'boolean') continue;
        const clean = one(key, value, attributes);
        if (clean === value) continue;
        changed ??= { ...attributes };
        if (clean === undefined) delete changed[key];
        else changed[key] = clean;
      }
      return changed ?? attributes;
    },
    text: (value) => text.text(value),
  };
}

type KeyKind = 'safe' | 'drop' | 'secret' | 'statement' | 'url' | 'text';

function classify(key: string, isSecret: (name: string) => boolean): KeyKind {
  if (ARGUMENT_KEYS.has(key)) return 'drop';
  if (STATEMENT_KEYS.has(key)) return 'statement';
  if (URL_KEYS.has(key)) return 'url';
  const header = HEADER_KEY.exec(key);
  if (header !== null) return isSecretHeader(header[1]!, isSecret) ? 'secret' : 'text';
  return SAFE_KEY.test(key) ? 'safe' : 'text';
}

function redactString(kind: KeyKind, value: string, attributes: Attributes, text: TextRedactor): string {
  if (kind === 'statement') return redactStatement(value, attributes, text);
  return kind === 'url' ? text.url(value) : text.text(value);
}

function redactList(kind: KeyKind, value: AttributeValue & unknown[], attributes: Attributes, text: TextRedactor): AttributeValue {
  if (!value.some((entry) => typeof entry === 'string')) return value;
  const clean = value.map((entry) => (typeof entry === 'string' ? redactString(kind, entry, attributes, text) : entry));
  return clean.some((entry, index) => entry !== value[index]) ? (clean as AttributeValue) : value;
}

function redactStatement(value: string, attributes: Attributes, text: TextRedactor): string {
  const system = String(attributes['db.system.name'] ?? attributes['db.system'] ?? '');
  if (KEY_VALUE_SYSTEMS.has(system)) return keyValueCommand(value);
  if (DOCUMENT_SYSTEMS.has(system)) return text.text(value);
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

function isSecretHeader(name: string, isSecret: (name: string) => boolean): boolean {
  return isSecret(name) || /^(?:cookie|set[-_]cookie|proxy[-_]authorization|x[-_]amz[-_]security[-_]token|www[-_]authenticate)$/i.test(name);
}
