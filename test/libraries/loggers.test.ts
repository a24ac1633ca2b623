/** Loggers write the ids of the active span, and are otherwise as they were made. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { nodes } from '../harness/nodes.ts';
import { otelRun, plainNode } from '../harness/run.ts';

const dir = mkdtempSync(join(tmpdir(), 'otel-run-loggers-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const library = (name: string): string => JSON.stringify(join(import.meta.dirname, 'node_modules', name));
const api = JSON.stringify(join(import.meta.dirname, '../../node_modules/@opentelemetry/api'));

const loggers: [name: string, make: string, streams: string][] = [
  ['pino', `const pino = require(${library('pino')}); const logger = pino()`, 'logger[pino.symbols.streamSym].constructor.name'],
  ['winston', `const winston = require(${library('winston')}); const logger = winston.createLogger({ transports: [new winston.transports.Console()] })`, 'logger.transports.map((one) => one.constructor.name)'],
  ['bunyan', `const logger = require(${library('bunyan')}).createLogger({ name: 'a' })`, 'logger.streams.map((one) => [one.type, one.level])'],
];

test.each(loggers)('%s', async (name, make, streams) => {
  const script = join(dir, `${name}.cjs`);
  writeFileSync(script, `const { trace } = require(${api}); ${make}; console.error(JSON.stringify(${streams})); trace.getTracer('a').startActiveSpan('b', (span) => { logger.info('hello'); span.end(); });`);
  const node = nodes.node24!;
  const plain = await plainNode({ node, args: [script] });
  const ours = await otelRun({ node, args: ['--endpoint', 'http://127.0.0.1:9', node, script], env: { OTEL_RUN_KEEP: 'false' } });
  expect(ours.stderr.split('\n')[0]).toBe(plain.stderr.trim());
  expect(JSON.parse(plain.stdout)).not.toHaveProperty('trace_id');
  expect(JSON.parse(ours.stdout)).toMatchObject({ ...withoutTime(plain.stdout), trace_id: expect.stringMatching(/^[0-9a-f]{32}$/), span_id: expect.stringMatching(/^[0-9a-f]{16}$/), trace_flags: '01' });
});

function withoutTime(line: string): object {
  const { time: _, pid: __, ...rest } = JSON.parse(line) as { readonly time?: unknown; readonly pid?: unknown };
  return rest;
}
