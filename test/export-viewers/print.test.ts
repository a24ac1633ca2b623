import { expect, test, vi } from 'vitest';
import { createConsoleExporter } from '../../src/export/console.ts';
import { createPrintExporter, type PrintLimits } from '../../src/export/print.ts';
import { writePatiently, type Terminal } from '../../src/export/stderr.ts';
import { traceBatch, type SpanSketch } from './requests.ts';

const limits: PrintLimits = {
  quietMs: { whole: 30, remote: 60, incomplete: 120 },
  pendingSpans: 1000,
  pendingBytes: 1024 * 1024,
  spansPerTrace: 100,
  tracesPerSecond: 50,
  linesPerTrace: 50,
  remembered: 1000,
};
const never = AbortSignal.timeout(60_000);
const root: SpanSketch = { trace: 'aa', id: '01', name: 'GET /orders/:id', length: 20 };
const child: SpanSketch = { trace: 'aa', id: '02', parent: '01', name: 'SELECT', at: 5 };

function paper(width = 80): Terminal & { text: string } {
  const terminal = { text: '', colour: false, width, write: (text: string) => ((terminal.text += text), true) };
  return terminal;
}
const print = (terminal: Terminal, changes: Partial<PrintLimits> = {}) => createPrintExporter(terminal, { ...limits, ...changes });

test('a trace is printed once, when its root has ended and nothing more comes', async () => {
  const terminal = paper();
  const exporter = print(terminal);
  await exporter.export(traceBatch('orders', child), never);
  await exporter.export(traceBatch('orders', root), never);
  expect(terminal.text).toBe('');
  await vi.waitFor(() => expect(terminal.text).not.toBe(''));
  expect(`\n${terminal.text}`).toBe(`
trace aa000000000000000000000000000000  2 spans  20 ms
   20 ms [orders] GET /orders/:id
  1.0 ms └─ SELECT

`);
  await exporter.close();
  expect(terminal.text.match(/GET \/orders\/:id/g)).toHaveLength(1);
});

test('a trace whose root has not ended waits longer, then is printed with a mark, and the root as an addition', async () => {
  const terminal = paper();
  const exporter = print(terminal);
  const started = performance.now();
  await exporter.export(traceBatch('orders', child, { ...child, id: '03', parent: '02', name: 'connect' }), never);
  await vi.waitFor(() => expect(terminal.text).toContain('SELECT  (parent 01000000 is missing)'));
  expect(performance.now() - started).toBeGreaterThanOrEqual(limits.quietMs.incomplete - 5);
  await exporter.export(traceBatch('orders', root, { ...child, id: '04', parent: '02', name: 'late row' }), never);
  await exporter.close();
  expect(terminal.text.slice(terminal.text.indexOf('late:'))).toBe(`late: 2 spans  20 ms
   20 ms [orders] GET /orders/:id
  1.0 ms ⋯ [orders] late row  (under SELECT)

`);
});

test('close prints what waits', async () => {
  const terminal = paper();
  const exporter = print(terminal, { quietMs: { whole: 60_000, remote: 60_000, incomplete: 60_000 } });
  await exporter.export(traceBatch('orders', child), never);
  await exporter.close();
  expect(terminal.text).toContain('SELECT');
});

test('what waits is bounded in spans and in bytes', async () => {
  const slow = { quietMs: { whole: 60_000, remote: 60_000, incomplete: 60_000 }, tracesPerSecond: 1e6 };
  const bySpans = paper();
  const first = print(bySpans, { ...slow, pendingSpans: 10 });
  for (let i = 16; i < 32; i++) await first.export(traceBatch('s', { ...root, trace: i.toString(16), name: `n${i}` }), never);
  expect(bySpans.text.match(/\[s\] n\d\d/g)).toEqual(['[s] n16', '[s] n17', '[s] n18', '[s] n19', '[s] n20', '[s] n21']);
  const byBytes = paper();
  const second = print(byBytes, { ...slow, pendingBytes: 10_000 });
  for (let i = 16; i < 21; i++) await second.export(traceBatch('s', { ...root, trace: i.toString(16), name: `n${i}`, padding: 3000 }), never);
  expect(byBytes.text.match(/\[s\] n\d\d/g)).toEqual(['[s] n16', '[s] n17']);
});

test('of a huge trace the root and a bounded number of spans are kept', async () => {
  const terminal = paper();
  const exporter = print(terminal, { pendingSpans: 1e6, spansPerTrace: 10 });
  for (let i = 0; i < 50; i++) await exporter.export(traceBatch('s', ...Array.from({ length: 10 }, (_, n) => ({ ...child, id: (0x1000 + i * 10 + n).toString(16) }))), never);
  await exporter.export(traceBatch('s', root), never);
  await exporter.close();
  expect(terminal.text).toContain('501 spans');
  expect(terminal.text).toContain('GET /orders/:id');
  expect(terminal.text).toContain('490 more spans not shown');
});

test('a flood is not printed but counted', async () => {
  const terminal = paper();
  const exporter = print(terminal, { tracesPerSecond: 5 });
  await exporter.export(traceBatch('s', ...Array.from({ length: 20 }, (_, i) => ({ ...root, trace: (16 + i).toString(16) }))), never);
  await exporter.close();
  expect(terminal.text.match(/^trace /gm)).toHaveLength(5);
  expect(terminal.text).toContain('… 15 more traces not printed: too many at once');
});

test('garbage is refused in words', async () => {
  const batch = { signal: 'traces', count: 1, body: Buffer.from('garbage') } as const;
  expect(await print(paper()).export(batch, never)).toMatchObject({ kind: 'refused', reason: expect.any(String) });
  expect(await createConsoleExporter(paper()).export(batch, never)).toMatchObject({ kind: 'refused', reason: expect.any(String) });
});

test('console writes every item with its attributes, and control characters as words', async () => {
  const terminal = paper();
  const outcome = await createConsoleExporter(terminal).export(traceBatch('orders', { ...root, name: 'GET \x1b[31m', failed: true, padding: 3 }), never);
  expect(outcome).toEqual({ kind: 'delivered', rejected: 0 });
  expect(`\n${terminal.text}`).toBe(`
span GET \\x1b[31m  unspecified  20 ms  error
  trace aa000000000000000000000000000000  span 0100000000000000
  at 2023-11-14T22:13:20.000Z  service orders
  padding: xxx
`);
});

test('console counts what nobody takes', async () => {
  const outcome = await createConsoleExporter({ write: () => false }).export(traceBatch('orders', root), never);
  expect(outcome).toEqual({ kind: 'delivered', rejected: 1, message: 'stderr is not read' });
});

const eagain = Object.assign(new Error('EAGAIN'), { code: 'EAGAIN' });

test('a pipe that is full for a moment gets everything, in order', () => {
  let taken = '';
  let calls = 0;
  const whole = writePatiently(Buffer.from('abcdefghij'), (bytes) => {
    if (calls++ % 3 === 0) throw eagain;
    const piece = bytes.subarray(0, 2);
    taken += piece.toString();
    return piece.length;
  });
  expect([whole, taken]).toEqual([true, 'abcdefghij']);
});

test.each([
  ['stays full', eagain],
  ['has no reader', Object.assign(new Error('EPIPE'), { code: 'EPIPE' })],
])('a pipe that %s is given up', (_, error) => {
  const full = (): number => {
    throw error;
  };
  expect(writePatiently(Buffer.from('abc'), full, 30)).toBe(false);
});
