import { describe, expect, test } from 'vitest';
import { createRedactor } from '../../src/agent/redact/redact.ts';
import { redactSql } from '../../src/agent/redact/sql.ts';

const redactor = createRedactor(['customer_no']);
const one = (key: string, value: string | string[], more: Record<string, string> = {}): unknown => redactor.attributes({ [key]: value, ...more })[key];

describe('URLs', () => {
  test.each([
    ['http://h/p?a=1&token=t1', 'http://h/p?a=1&token=REDACTED'],
    ['http://h/p?access_token=t1&b=2#f', 'http://h/p?access_token=REDACTED&b=2#f'],
    ['http://h/p?API-Key=t1', 'http://h/p?API-Key=REDACTED'],
    ['http://h/p?%74oken=t1', 'http://h/p?%74oken=REDACTED'],
    ['http://h/p?customer_no=77', 'http://h/p?customer_no=REDACTED'],
    ['https://user:pw@h:1/p', 'https://REDACTED:REDACTED@h:1/p'],
    ['https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F2&X-Amz-Signature=abc&x-id=GetObject', 'https://b.s3.amazonaws.com/k?X-Amz-Credential=REDACTED&X-Amz-Signature=REDACTED&x-id=GetObject'],
    ['http://h/cb#access_token=t1&x=1', 'http://h/cb#access_token=REDACTED&x=1'],
    ['http://h/orders/7?page=2', 'http://h/orders/7?page=2'],
    ['http://h/?token=', 'http://h/?token='],
    ['http://h/a@b?x=1', 'http://h/a@b?x=1'],
  ])('%s', (url, clean) => expect(one('url.full', url)).toBe(clean));
  test('a bare query string', () => expect(one('url.query', 'page=1&password=p1')).toBe('page=1&password=REDACTED'));
  test('a target', () => expect(one('http.target', '/p?session=s1')).toBe('/p?session=REDACTED'));
});

describe('SQL', () => {
  test.each([
    ["SELECT * FROM t WHERE a = 'x' AND b = 12", 'SELECT * FROM t WHERE a = ? AND b = ?'],
    ["SELECT 'it''s', E'a\\'b', N'n', x'ff', 1.5e-3, 0xff, .5", 'SELECT ?, ?, ?, ?, ?, ?, ?'],
    ['SELECT "col 1", t2.c3 FROM table4 WHERE id = $1', 'SELECT "col 1", t2.c3 FROM table4 WHERE id = $1'],
    ['SELECT $$body 1$$, $tag$ it\'s $tag$', 'SELECT ?, ?'],
    ["SELECT 1 -- secret 's'\nFROM t /* a /* nested */ secret */ WHERE x=-5", 'SELECT ? \nFROM t  WHERE x=-?'],
    ['SELECT * FROM t WHERE a IN (1, 2, 3)', 'SELECT * FROM t WHERE a IN (?)'],
    ["INSERT INTO t VALUES (1, 'a'), (2, 'b')", 'INSERT INTO t VALUES (?)'],
    ["SELECT 'never closed", 'SELECT ?'],
    ['UPDATE t SET a = :name, b = @p1, c = ?', 'UPDATE t SET a = :name, b = @p1, c = ?'],
    ["SELECT [my col] FROM t WHERE a='1'", 'SELECT [my col] FROM t WHERE a=?'],
    ['SELECT a[1] FROM t', 'SELECT a[?] FROM t'],
    ["SELECT name'x'", 'SELECT name?'],
  ])('%s', (sql, clean) => expect(redactSql(sql)).toBe(clean));
  test('double quotes are strings in MySQL', () =>
    expect(one('db.query.text', 'SELECT "a\\"b", `c 1` # x', { 'db.system.name': 'mysql' })).toBe('SELECT ?, `c 1`'));
  test('no value of a Redis command is left', () =>
    expect(one('db.query.text', 'SET user:7 secret', { 'db.system.name': 'redis' })).toBe('SET ?'));
  test('a counted Redis command stays', () =>
    expect(one('db.statement', 'MSET [2 keys]', { 'db.system': 'redis' })).toBe('MSET [2 keys]'));
  test('a statement without a system is taken for SQL', () => expect(one('db.statement', "SELECT 'a'")).toBe('SELECT ?'));
});

describe('text', () => {
  test.each([
    ['connect ECONNREFUSED 127.0.0.1:5432', 'connect ECONNREFUSED 127.0.0.1:5432'],
    ['cannot reach postgres://u:p@h/db?x=1', 'cannot reach postgres://REDACTED:REDACTED@h/db?x=1'],
    ['login failed: password=hunter2, user=a', 'login failed: password=REDACTED, user=a'],
    ['{"apiKey": "k1", "n": 1}', '{"apiKey": REDACTED, "n": 1}'],
    ['Authorization: Bearer abcdef.123', 'Authorization: REDACTED REDACTED'],
    ['got AKIAIOSFODNN7EXAMPLE back', 'got REDACTED back'],
    ['token eyJhbGciOi.eyJzdWIiOi.sig_x', 'token REDACTED'],
    ['run --api-key=k1 --port=80', 'run --api-key=REDACTED --port=80'],
    ['invalid input syntax for type integer: "s3cret"', 'invalid input syntax for type integer: ?'],
    ['syntax error at or near "s3cret"', 'syntax error at or near ?'],
    ['invalid input syntax for type integer: "a"s3cret\nb"', 'invalid input syntax for type integer: ?'],
    ['error: malformed array literal: "{"a"\n    at run (/app/a.js:1:2)', 'error: malformed array literal: ?\n    at run (/app/a.js:1:2)'],
    ['date/time field value out of range: "4242-42-42"', 'date/time field value out of range: ?'],
    ['invalid value for parameter "TimeZone": "s3cret"', 'invalid value for parameter "TimeZone": ?'],
    ['time zone "s3cret" not recognized', 'time zone ? not recognized'],
    ['relation "orders" does not exist', 'relation "orders" does not exist'],
    ['value "9999999999" is out of range for type integer', 'value ? is out of range for type integer'],
    ["Duplicate entry 'a@b.c' for key 'users.email'", "Duplicate entry ? for key 'users.email'"],
    ["ERR unknown command 'FOO', with args beginning with: 'a' 'b' ", "ERR unknown command 'FOO', with args beginning with: ?"],
    ["ERR unknown command 'FOO', with args beginning with: 'it's' 'b' ", "ERR unknown command 'FOO', with args beginning with: ?"],
    ['ERR user_script:1: no s3cret script: f00, on @user_script:1.', 'ERR user_script:1: ?'],
    ["{ code: 'ECONNRESET', state: 'open' }", "{ code: 'ECONNRESET', state: 'open' }"],
  ])('%s', (text, clean) => expect(redactor.text(text)).toBe(clean));
});

describe('attributes', () => {
  test('an object in which nothing is secret comes back itself', () => {
    const attributes = { 'http.route': '/a/:id', n: 1, ok: true };
    expect(redactor.attributes(attributes)).toBe(attributes);
  });
  test('command arguments are dropped', () => expect(redactor.attributes({ 'process.command_args': ['--x'], a: 1 })).toEqual({ a: 1 }));
  test.each(['authorization', 'cookie', 'set-cookie', 'x-api-key', 'x-auth-token', 'proxy-authorization'])('header %s', (name) =>
    expect(one(`http.request.header.${name}`, ['v'])).toEqual(['REDACTED']));
  test('other headers stay', () => expect(one('http.request.header.accept', ['text/html'])).toEqual(['text/html']));
  test('the given object is not changed', () => {
    const attributes = { 'url.full': 'http://h/?token=1' };
    redactor.attributes(attributes);
    expect(attributes['url.full']).toBe('http://h/?token=1');
  });
});
