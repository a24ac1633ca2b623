/**
 * Attributes as a series has them: sound, redacted and cut before they are added up. What two sets have left may be the same, and
 * is then one series; told apart here, one would overwrite the other on its way.
 */
import type { Attributes, AttributeValue } from '@opentelemetry/api';
import { isAttributeValue } from '@opentelemetry/core';
import { hashAttributes } from '@opentelemetry/sdk-metrics/build/src/utils';
import { MAX_STRING } from '../../spool/wire.ts';
import type { Redactor } from '../redact/redact.ts';

/** What a series is told by, of attributes that {@link soundAttributes} gave. `hash` is theirs. */
export type Cleaner = (attributes: Attributes, hash?: string) => Attributes;

/** A copy, for the application may use its object again, without what OTLP has no word for. Never throws. */
export function soundAttributes(given: unknown): Attributes {
  if (typeof given !== 'object' || given === null) return NONE;
  try {
    const keys = Object.keys(given);
    if (keys.length === 0) return NONE;
    const copy: Attributes = {};
    for (const key of keys) {
      const value = readSound(given as Attributes, key);
      if (value !== null && key !== '__proto__') copy[key] = value;
    }
    return copy;
  } catch {
    return NONE; // a proxy that refuses
  }
}

const NONE: Attributes = {};
const hashes = new WeakMap<Attributes, string>([[NONE, '']]);

function readSound(attributes: Attributes, key: string): AttributeValue | null {
  try {
    const value = attributes[key];
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
    return Array.isArray(value) && isAttributeValue(value) ? value.slice() as AttributeValue : null;
  } catch {
    return null;
  }
}

/** Redacting costs more than all the rest of a measurement, and an application measures the same sets again and again. */
const MOST_KNOWN = 4096;
const LONGEST_KNOWN = 1024;

export function createCleaner(redactor: Redactor): Cleaner {
  let known = new Map<string, Attributes>();
  let before = new Map<string, Attributes>();
  return (attributes, hash = attributes === NONE ? '' : hashAttributes(attributes)) => {
    if (hash === '') return NONE;
    let cleaned = known.get(hash);
    if (cleaned !== undefined) return cleaned;
    cleaned = before.get(hash) ?? writable(redactor.attributes(attributes));
    if (hash.length > LONGEST_KNOWN) return cleaned;
    if (known.size >= MOST_KNOWN) [before, known] = [known, new Map()];
    known.set(hash, cleaned);
    hashes.set(cleaned, hashAttributes(cleaned));
    return cleaned;
  };
}

/** As `hashAttributes`, which sorts and writes them anew each time. */
export function hashOf(attributes: Attributes): string {
  return hashes.get(attributes) ?? hashAttributes(attributes);
}

/** Half of a pair of UTF-16 units, for which UTF-8 has no bytes. */
const HALF = /\p{Surrogate}/u;
const HALVES = /\p{Surrogate}/gu;

/** As the bytes will have them. */
function writable(attributes: Attributes): Attributes {
  const entries = Object.entries(attributes);
  if (entries.every(([key, value]) => isWritable(key) && (Array.isArray(value) ? value.every(isWritable) : isWritable(value)))) return attributes;
  return Object.fromEntries(entries.map(([key, value]) => [cut(key), (Array.isArray(value) ? value.map(cut) : cut(value)) as AttributeValue]));
}

function isWritable(value: unknown): boolean {
  return typeof value !== 'string' || (value.length <= MAX_STRING && !HALF.test(value));
}

function cut<T>(value: T): T | string {
  return typeof value === 'string' ? value.slice(0, MAX_STRING).replace(HALVES, '\ufffd') : value;
}
