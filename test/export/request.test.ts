import { expect, test } from 'vitest';
import { buildRequest, halveParts, readRequest, splitPart, type Part } from '../../src/export/request.ts';
import { decodeProtobuf } from '../harness/otlp-decode.ts';
import { resourceFields, scopeFields, spanField } from './spans.ts';

const part = (service: string, scope: string, ...numbers: number[]): Part => ({
  resource: resourceFields(service),
  scope: scopeFields(scope),
  items: Buffer.concat(numbers.map((n) => spanField(n))),
  count: numbers.length,
});
const read = (parts: readonly Part[]): string[] =>
  decodeProtobuf('traces', buildRequest(parts)).spans.map(({ attributes, resource, scope }) => `${String(resource['service.name'])} ${scope.name} ${String(attributes['test.n'])}`);

test('parts of one resource and scope are put together, wherever they stand', () => {
  const parts = [part('a', 's', 1), part('b', 's', 2), part('a', 't', 3), part('a', 's', 4)];
  const { resources, scopes } = decodeProtobuf('traces', buildRequest(parts));
  expect([resources, scopes]).toEqual([2, 3]);
  expect(read(parts)).toEqual(['a s 1', 'a s 4', 'a t 3', 'b s 2']);
});

test('a request that was taken apart is put together as it was', () => {
  const body = buildRequest([part('a', 's', 1, 2), part('a', 't', 3), part('b', 's', 4)]);
  expect(buildRequest(readRequest(body))).toEqual(body);
});

test.each([
  [2, [['a s 1'], ['a s 2']]],
  [3, [['a s 1'], ['a s 2', 'a s 3']]],
  [5, [['a s 1', 'a s 2'], ['a s 3', 'a s 4', 'a s 5']]],
])('%i items are halved', (count, expected) => {
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  expect(halveParts([part('a', 's', ...numbers)])!.map(read)).toEqual(expected);
});

test('halves keep the items of several parts apart', () => {
  expect(halveParts([part('a', 's', 1), part('b', 't', 2, 3)])!.map(read)).toEqual([['a s 1'], ['b t 2', 'b t 3']]);
});

test('one item cannot be halved', () => expect(halveParts([part('a', 's', 1)])).toBeNull());

test.each([
  ['by count', 2, 1 << 20, [2, 2, 1]],
  ['by bytes', 100, 200, [2, 2, 1]],
  ['into single items where each is too large', 100, 1, [1, 1, 1, 1, 1]],
])('a part is split %s', (_, maxCount, maxBytes, counts) => {
  const pieces = splitPart(part('a', 's', 1, 2, 3, 4, 5), maxCount, maxBytes);
  expect(pieces.map(({ count }) => count)).toEqual(counts);
  expect(pieces.flatMap((piece) => read([piece]))).toEqual(['a s 1', 'a s 2', 'a s 3', 'a s 4', 'a s 5']);
});

test('what is no request is refused, never looped over', () => {
  const body = buildRequest([part('a', 's', 1, 2, 3)]);
  for (let at = 0; at < 2000; at++) {
    const mutated = Buffer.from(body);
    mutated[at % body.length] = (at * 7919) % 256;
    try {
      readRequest(mutated.subarray(0, body.length - (at % 5)));
    } catch (error) {
      expect((error as Error).message).toMatch(/^unsound export request at byte \d+$/);
    }
  }
});
