/**
 * `metrics.views` of the config file, in the words of OpenTelemetry's declarative configuration
 * (https://github.com/open-telemetry/opentelemetry-configuration, `View`).
 */
import type { ViewPlan } from '../plan/types.ts';
import { readScalar, type FileNode } from './file-node.ts';
import { hintAmong } from './nearest.ts';
import { DEFAULT_ORIGIN, FAULT, problemAt, quote } from './origin.ts';
import { at, fileOrigin, findNode, readNodeText, type Sources } from './sources.ts';
import type { Origin, Resolved } from './types.ts';

type Shape =
  | { readonly kind: 'text' | 'texts' | 'bounds' | 'flag' | 'nothing' }
  | { readonly kind: 'count'; readonly min: number }
  | { readonly kind: 'word'; readonly words: readonly string[] }
  | { readonly kind: 'parts'; readonly parts: Readonly<Record<string, Shape>>; readonly needs?: string; /** Exactly one of them. */ readonly one?: true };

const text = { kind: 'text' } as const;
const flag = { kind: 'flag' } as const;

const VIEW = {
  kind: 'parts',
  parts: {
    selector: {
      kind: 'parts',
      parts: {
        instrument_name: text,
        instrument_type: { kind: 'word', words: ['counter', 'gauge', 'histogram', 'observable_counter', 'observable_gauge', 'observable_up_down_counter', 'up_down_counter'] },
        unit: text,
        meter_name: text,
        meter_version: text,
        meter_schema_url: text,
      },
    },
    stream: {
      kind: 'parts',
      parts: {
        name: text,
        description: text,
        aggregation: {
          kind: 'parts',
          one: true,
          parts: {
            default: { kind: 'nothing' },
            drop: { kind: 'nothing' },
            sum: { kind: 'nothing' },
            last_value: { kind: 'nothing' },
            explicit_bucket_histogram: { kind: 'parts', parts: { boundaries: { kind: 'bounds' }, record_min_max: flag } },
            base2_exponential_bucket_histogram: { kind: 'parts', parts: { max_size: { kind: 'count', min: 2 }, record_min_max: flag } },
          },
        },
        aggregation_cardinality_limit: { kind: 'count', min: 1 },
        attribute_keys: { kind: 'parts', parts: { included: { kind: 'texts' }, excluded: { kind: 'texts' } } },
      },
    },
  },
  needs: 'selector',
} as const satisfies Shape;

/** Each view by itself: of one in which something is wrong nothing is used. */
export function resolveViews(key: string, sources: Sources): Resolved<readonly ViewPlan[]> {
  const node = findNode(key, sources.file);
  if (node === null || isNothing(node)) return { value: [], origin: DEFAULT_ORIGIN };
  const origin = fileOrigin(key, node, sources.file!);
  if (node.kind !== 'list') {
    sources.say(problemAt(origin, 'expected a list of views; it is not used', FAULT));
    return { value: [], origin: DEFAULT_ORIGIN, rejected: origin };
  }
  const value = node.items.flatMap((item, index) => {
    const where = at({ ...origin, name: `${key}[${index}]` }, item);
    const view = read(VIEW, item, where, sources) as ViewPlan | undefined;
    const fault = view === undefined ? null : findFault(view);
    if (fault !== null) sources.say(problemAt(where, `${fault}; the view is not used`, FAULT));
    return view === undefined || fault !== null ? [] : [view];
  });
  return { value, origin };
}

/** As JSON schema. */
export function viewsSchema(): Record<string, unknown> {
  return { type: 'array', items: describe(VIEW) };
}

function findFault({ selector, stream }: ViewPlan): string | null {
  if (Object.keys(selector).length === 0) return 'its selector selects nothing in particular';
  if (stream?.name !== undefined && !/^[^*?]+$/.test(selector.instrument_name ?? '*')) return `several instruments would be called ${quote(stream.name)}: its selector needs an instrument_name without * and ?`;
  return null;
}

/** The value, or undefined, and a word, where something is wrong. */
function read(shape: Shape, node: FileNode, origin: Origin, sources: Sources): unknown {
  const fail = (wrong: string, hint: string | null = null): undefined => void sources.say(problemAt(origin, `${wrong}; the view is not used`, { ...FAULT, hint }));
  if (shape.kind === 'parts') return readParts(shape, node, origin, sources, fail);
  if (shape.kind === 'nothing') return isNothing(node) || (node.kind === 'map' && node.entries.length === 0) ? true : fail('it takes no value');
  if (shape.kind === 'texts' || shape.kind === 'bounds') {
    if (node.kind !== 'list') return fail('expected a list');
    const items = node.items.map((item) => readItem(item, at(origin, item), sources));
    if (shape.kind === 'texts') return items.every((item) => item !== null) ? items.map(String) : fail('expected a list of words');
    const isSorted = items.every((item, index) => typeof item === 'number' && (index === 0 || item > (items[index - 1] as number)));
    return isSorted ? items : fail('expected numbers, each larger than the one before');
  }
  const value = readItem(node, origin, sources);
  if (value === null) return fail('expected one value');
  switch (shape.kind) {
    case 'text':
      return String(value);
    case 'flag':
      return typeof value === 'boolean' ? value : fail(`${quote(String(value))} is neither true nor false`);
    case 'count':
      return Number.isSafeInteger(value) && (value as number) >= shape.min ? value : fail(`${quote(String(value))} is no whole number from ${shape.min}`);
    case 'word': {
      const word = shape.words.find((candidate) => candidate === String(value).toLowerCase());
      if (word !== undefined) return word;
      return fail(`${quote(String(value))} is not known`, hintAmong(String(value), shape.words));
    }
  }
}

function readParts(shape: Shape & { readonly kind: 'parts' }, node: FileNode, origin: Origin, sources: Sources, fail: (wrong: string, hint?: string) => undefined): unknown {
  const names = Object.keys(shape.parts);
  if (isNothing(node)) return shape.needs === undefined && shape.one === undefined ? {} : fail(`expected ${names.join(', ')}`);
  if (node.kind !== 'map') return fail(`expected ${names.slice(0, 3).join(', ')} …`);
  const value: Record<string, unknown> = {};
  let isSound = true;
  for (const { key, at: place, value: inner } of node.entries) {
    const part = Object.hasOwn(shape.parts, key) ? shape.parts[key]! : undefined;
    if (part === undefined) sources.say(problemAt(at(origin, place), `unknown key ${quote(key)}; the view is not used`, { ...FAULT, hint: hintAmong(key, names) }));
    const found = part === undefined ? undefined : read(part, inner, { ...at(origin, inner.line === undefined ? place : inner), name: `${origin.name}.${key}` }, sources);
    if (found === undefined) isSound = false;
    else value[key] = found;
  }
  if (!isSound) return undefined;
  if (shape.needs !== undefined && !(shape.needs in value)) return fail(`it has no ${shape.needs}`);
  if (shape.one === true && Object.keys(value).length !== 1) return fail(`expected one of ${names.join(', ')}`);
  return value;
}

function readItem(node: FileNode, origin: Origin, sources: Sources): string | number | boolean | null {
  return node.kind === 'scalar' ? readScalar({ text: readNodeText(node, origin, sources).trim(), quoted: node.quoted }) : null;
}

function isNothing(node: FileNode): boolean {
  return node.kind === 'scalar' && readScalar(node) === null;
}

function describe(shape: Shape): Record<string, unknown> {
  switch (shape.kind) {
    case 'parts':
      return {
        type: ['object', 'null'],
        additionalProperties: false,
        properties: Object.fromEntries(Object.entries(shape.parts).map(([name, part]) => [name, describe(part)])),
        ...(shape.needs !== undefined && { required: [shape.needs] }),
        ...(shape.one === true && { minProperties: 1, maxProperties: 1 }),
      };
    case 'nothing':
      return { type: ['object', 'null'], maxProperties: 0 };
    case 'texts':
      return { type: 'array', items: { type: 'string' } };
    case 'bounds':
      return { type: 'array', items: { type: 'number' } };
    case 'text':
      return { type: 'string' };
    case 'flag':
      return { type: 'boolean' };
    case 'count':
      return { type: 'integer', minimum: shape.min };
    case 'word':
      return { enum: shape.words };
  }
}
