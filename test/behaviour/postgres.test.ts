/** pg and pg-pool against a real PostgreSQL: what each statement's span says, and what it must not. */
import { beforeAll, expect, test } from 'vitest';
import { ensureApps } from '../../scripts/setup/apps.mjs';
import { familyCells, playFamily } from '../harness/family.ts';
import type { ReceivedSpan } from '../harness/receiver.ts';
import { outline } from '../harness/traced.ts';
import { describeWithServices } from '../services/index.ts';

beforeAll(() => ensureApps(['main']), 300_000);

/** Name, statement, code and words of the error, in the order of test/fixtures/postgres/play.cjs. */
const STATEMENTS = [
  ['pg.query:SELECT postgres', 'SELECT ? AS a, ? AS b'],
  ['pg.query:SELECT postgres', 'SELECT $1::text AS a'],
  ['pg.query:by-name postgres', 'SELECT $1::int + ? AS n'],
  ['pg.query:SELECT postgres', 'SELECT ?'],
  ['pg.query:SELECT postgres', 'SELECT\n?'],
  ['pg.query:SELECT postgres', 'select(?);'],
  ['pg.query:SELECT postgres', 'SELECT ?, ?, ?, ?, U&?'],
  ['pg.query:CREATE postgres', 'CREATE TEMP TABLE people (id int PRIMARY KEY, "name" text)'],
  ['pg.query:INSERT postgres', 'INSERT INTO people VALUES (?)'],
  ['pg.query:UPDATE postgres', 'UPDATE people SET name = ? WHERE id IN (?)'],
  ['pg.query:SELECT postgres', 'SELECT ?::int', '22P02', 'invalid input syntax for type integer: ?'],
  ['pg.query:SELECT postgres', 'SELECT $1::int', '22P02', 'invalid input syntax for type integer: ?'],
  ['pg.query:SELECT postgres', 'SELECT ? ?', '42601', 'syntax error at or near ?'],
  ['pg.query:SELECT postgres', 'SELECT ?::date', '22008', 'date/time field value out of range: ?'],
  ['pg.query:SET postgres', 'SET timezone = ?', '22023', 'invalid value for parameter "TimeZone": ?'],
  ['pg.query:INSERT postgres', 'INSERT INTO people VALUES (?)', '23505', 'duplicate key value violates unique constraint "people_pkey"'],
  ['pg.query:DO postgres', 'DO ?', 'P0001', 'raised by code in the database'],
  ['pg.query:SELECT postgres', 'SELECT * FROM nowhere', '42P01', 'relation "nowhere" does not exist'],
  ['pg.query:SELECT postgres', 'SELECT ? AS submitted'],
  ['pg.query:SELECT postgres', 'SELECT ?::int', '22P02', 'invalid input syntax for type integer: ?'],
  ['pg.query:SELECT postgres', 'SELECT generate_series(?, $1::int) AS counted'],
  ['pg.query:SELECT postgres', 'SELECT generate_series(?, $1::int) AS streamed'],
  ['pg.query:SELECT postgres', 'SELECT $1::text AS pooled'],
  ['pg.query:SELECT postgres', 'SELECT ? AS borrowed'],
  ['pg.query:SELECT postgres', 'SELECT ? AS called'],
];

const POOLED = `
internal parent
  client pg-pool.connect
    client pg.connect
  client pg.query:SELECT postgres
internal borrower
  client pg-pool.connect
  client pg.query:SELECT postgres
internal callbacks
  client pg-pool.connect
  client pg.query:SELECT postgres`;

describeWithServices('PostgreSQL', ['postgres'], (servers) => {
  test.each(familyCells)('pg and pg-pool, $name', { timeout: 60_000 }, async ({ node, kind }) => {
    const { url, host, port, database } = servers.postgres;
    const withPassword = url.replace('test@', 'test:planted-password@');
    const spans = await playFamily({ node, app: 'main/postgres', kind, env: () => ({ DATABASE_URL: withPassword }), secrets: ['4242424242', '4242-42-42'] });

    const statements = spans.filter(({ name }) => name.startsWith('pg.query')).sort((a, b) => Number(a.startTimeUnixNano - b.startTimeUnixNano));
    expect(statements.map(describeStatement)).toEqual(STATEMENTS);
    expect(spans.filter(({ attributes }) => 'otel_run.unfinished' in attributes)).toEqual([]);
    const reached = { 'db.system.name': 'postgresql', 'db.namespace': database, 'server.address': host, 'server.port': port };
    for (const span of statements) expect(span).toMatchObject({ kind: 'client', attributes: reached });
    for (const span of statements.filter(({ status }) => status.code === 'error')) {
      const code = span.attributes['db.response.status_code'];
      expect(span.events).toMatchObject([{ name: 'exception', attributes: { 'exception.message': `PostgreSQL error of type 'error' occurred (code: ${code})` } }]);
    }

    const roots = new Set(['parent', 'borrower', 'callbacks']);
    const traces = new Set(spans.filter(({ name }) => roots.has(name)).map(({ traceId }) => traceId));
    expect(`\n${outline(spans.filter(({ traceId }) => traces.has(traceId))).join('\n')}`).toBe(POOLED);

    const refused = spans.filter(({ attributes }) => attributes['server.port'] === 1);
    expect(refused.map(({ name, status, attributes }) => [name, status.code, attributes['error.type'], attributes['db.response.status_code']])).toEqual([
      ['pg.connect', 'error', 'ECONNREFUSED', undefined],
      ['pg-pool.connect', 'error', 'ECONNREFUSED', undefined],
    ]);
  });
});

function describeStatement({ name, attributes, status }: ReceivedSpan): unknown[] {
  const failure = status.code === 'error' ? [attributes['error.type'], status.message] : [];
  return [name, attributes['db.query.text'], ...failure];
}
