/**
 * Export requests, made and cut by prefixing lengths: the layers of ExportTrace-, ExportMetrics- and
 * ExportLogsServiceRequest carry the same field numbers (resource groups 1; resource 1, scope groups 2, schema 3; scope 1,
 * items 2, schema 3), so the items are never decoded.
 */

/** Items of one resource and one scope. */
export interface Part {
  /** Fields of the resource group besides field 2. */
  readonly resource: Buffer;
  /** Fields of the scope group besides field 2. */
  readonly scope: Buffer;
  /** Fields 2 of the scope group, `count` of them. */
  readonly items: Buffer;
  readonly count: number;
}

const GROUP_TAG = 0x0a; // field 1, length-delimited
const ITEM_TAG = 0x12; // field 2, length-delimited

/** One request of `parts`; neighbours or not, those of an equal resource and scope are put together. */
export function buildRequest(parts: readonly Part[]): Buffer {
  const chunks: Buffer[] = [];
  for (const [, group] of groupBy(parts, (part) => part.resource)) {
    const scopes = [...groupBy(group, (part) => part.scope)].map(([, members]) => {
      const scope = members[0]!.scope;
      return { scope, members, length: members.reduce((sum, { items }) => sum + items.length, scope.length) };
    });
    const { resource } = group[0]!;
    const inner = scopes.reduce((sum, { length }) => sum + 1 + varintLength(length) + length, resource.length);
    chunks.push(prefix(GROUP_TAG, inner), resource);
    for (const { scope, members, length } of scopes) chunks.push(prefix(ITEM_TAG, length), scope, ...members.map(({ items }) => items));
  }
  return Buffer.concat(chunks);
}

/** Takes a request apart again. Throws where it is unsound. */
export function readRequest(body: Buffer): Part[] {
  const parts: Part[] = [];
  for (const group of splitFields(body)) {
    if (group.tag !== GROUP_TAG) continue;
    const inner = splitFields(group.content);
    const resource = Buffer.concat(inner.filter(({ tag }) => tag !== ITEM_TAG).map(({ whole }) => whole));
    for (const scopeGroup of inner.filter(({ tag }) => tag === ITEM_TAG)) {
      const rest = splitFields(scopeGroup.content);
      const items = rest.filter(({ tag }) => tag === ITEM_TAG).map(({ whole }) => whole);
      const scope = Buffer.concat(rest.filter(({ tag }) => tag !== ITEM_TAG).map(({ whole }) => whole));
      parts.push({ resource, scope, items: Buffer.concat(items), count: items.length });
    }
  }
  return parts;
}

/** Cuts `parts` into two of nearly equal counts; null where there is one item only. */
export function halveParts(parts: readonly Part[]): readonly [Part[], Part[]] | null {
  const total = parts.reduce((sum, { count }) => sum + count, 0);
  if (total < 2) return null;
  const first: Part[] = [];
  const second: Part[] = [];
  let room = Math.floor(total / 2);
  for (const part of parts) {
    if (part.count <= room) first.push(part);
    else if (room === 0) second.push(part);
    else {
      const [head, tail] = cutPart(part, room);
      first.push(head);
      second.push(tail);
    }
    room = Math.max(0, room - part.count);
  }
  return [first, second];
}

/** Pieces of `part` with at most `maxCount` items and, unless a single item is larger, `maxBytes` of items each. */
export function splitPart(part: Part, maxCount: number, maxBytes: number): Part[] {
  if (part.count <= maxCount && part.items.length <= maxBytes) return [part];
  const pieces: Part[] = [];
  let start = 0;
  let count = 0;
  for (let from = 0, to = 0; from < part.items.length; from = to) {
    to = readHead(part.items, from).to;
    if (count > 0 && (count >= maxCount || to - start > maxBytes)) {
      pieces.push({ ...part, items: part.items.subarray(start, from), count });
      start = from;
      count = 0;
    }
    count++;
  }
  if (count > 0) pieces.push({ ...part, items: part.items.subarray(start), count });
  return pieces;
}

/** Throws where they are unsound. */
export function countItems(items: Buffer): number {
  let count = 0;
  for (let at = 0; at < items.length; at = readHead(items, at).to) count++;
  return count;
}

function cutPart(part: Part, room: number): [Part, Part] {
  let at = 0;
  for (let count = 0; count < room; count++) at = readHead(part.items, at).to;
  return [
    { ...part, items: part.items.subarray(0, at), count: room },
    { ...part, items: part.items.subarray(at), count: part.count - room },
  ];
}

/** Groups by content, in the order of first occurrence. */
function groupBy(parts: readonly Part[], key: (part: Part) => Buffer): Map<string, Part[]> {
  const groups = new Map<string, Part[]>();
  let last: { bytes: Buffer; group: Part[] } | null = null;
  for (const part of parts) {
    const bytes = key(part);
    if (last === null || last.bytes !== bytes) {
      const name: string = bytes.toString('latin1');
      const group: Part[] = groups.get(name) ?? [];
      groups.set(name, group);
      last = { bytes, group };
    }
    last.group.push(part);
  }
  return groups;
}

export interface Field {
  /** First byte of the tag: enough for field numbers below 16. */
  readonly tag: number;
  readonly from: number;
  readonly to: number;
  readonly whole: Buffer;
  readonly content: Buffer;
}

/** The length-delimited fields of a message. Others do not occur at these levels, and are refused. */
export function splitFields(message: Buffer): Field[] {
  const found: Field[] = [];
  let at = 0;
  while (at < message.length) {
    const { tag, content, to } = readHead(message, at);
    found.push({ tag, from: at, to, whole: message.subarray(at, to), content: message.subarray(content, to) });
    at = to;
  }
  return found;
}

/** The field that starts at `from`: where its content starts and ends. */
function readHead(message: Buffer, from: number): { readonly tag: number; readonly content: number; readonly to: number } {
  const tag = message[from];
  let at = from + 1;
  if (tag === undefined || (tag & 7) !== 2 || tag > 0x7f) throw new Error(`unsound export request at byte ${from}`);
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = message[at++];
    if (byte === undefined || shift > 28) throw new Error(`unsound export request at byte ${from}`);
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  if (at + length > message.length) throw new Error(`unsound export request at byte ${from}`);
  return { tag, content: at, to: at + length };
}

/** A field that says how long it is. */
export function lengthDelimited(tag: number, content: Buffer): Buffer {
  return Buffer.concat([prefix(tag, content.length), content]);
}

function prefix(tag: number, length: number): Buffer {
  const bytes = [tag];
  let rest = length;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) length++;
  return length;
}
