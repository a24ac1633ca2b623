import { describe, expect, test } from 'vitest';
import type { RedactPlan } from '../../src/plan/types.ts';
import { createRedactor } from '../../src/agent/redact/redact.ts';
import { UNSAID, noteUnsaid } from '../../src/agent/redact/unsaid.ts';
import { redactSql } from '../../src/agent/redact/sql.ts';

const none: RedactPlan = { names: [], attributes: [], patterns: [], keep: [] };
const redactor = createRedactor({ ...none, names: ['customer_no'] });
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
    ['http://h:80/a@b', 'http://h:80/a@b'],
    ['http://[::1]:80/a@b', 'http://[::1]:80/a@b'],
    ['postgres://u:p/w?x#y@h/db', 'postgres://REDACTED:REDACTED@h/db'],
    ['http://h/app;jsessionid=s1?x=1', 'http://h/app;jsessionid=REDACTED'],
    ['http://h/app;v=1?x=1', 'http://h/app;v=1?x=1'],
    ['http://h/p?next=https%3A%2F%2Fi%2F%3Ftoken%3Dt1&x=1', 'http://h/p?next=REDACTED&x=1'],
    ['http://h/p?query=%7Buser(password%3A%22p1%22)%7Bid%7D%7D', 'http://h/p?query=REDACTED'],
    ['http://h/p?q=50%25', 'http://h/p?q=50%25'],
    ['http://h/p?q=100%', 'http://h/p?q=100%'],
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
    ['Authorization: Bearer abcdef.123', 'Authorization: REDACTED'],
    ['got AKIAIOSFODNN7EXAMPLE back', 'got REDACTED back'],
    ['token eyJhbGciOi.eyJzdWIiOi.sig_x', 'token REDACTED'],
    ['Cookie: sid=a; theme=b\nAccept: c', 'Cookie: REDACTED\nAccept: c'],
    ['Authorization: Digest username="u", response="r"', 'Authorization: REDACTED"u", response="r"'],
    ['{"body":"{\\"password\\":\\"p,1\\"}"}', '{"body":"{\\"password\\":REDACTED}"}'],
    ['{"password": "p\\"1"}', '{"password": REDACTED}'],
    ['mysql --password p1 --port 80', 'mysql --password REDACTED --port 80'],
    ['GET /cb?code=c1&page=2 failed', 'GET /cb?code=REDACTED&page=2 failed'],
    ['pushed with ghp_abcdefghijklmnopqrst0123', 'pushed with REDACTED'],
    ['sk_live_abcdefghij0123 and sk-proj-abcdefghijklmnopqrst', 'REDACTED and REDACTED'],
    ['-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----.', 'REDACTED.'],
    ["You have an error in your SQL syntax; check the manual for the right syntax to use near 's3cret'' at line 1", "You have an error in your SQL syntax; check the manual for the right syntax to use near ?"],
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
  test.each(['user.password', 'apiKey', 'app.api.key', 'session_id', 'card.pin', 'clientSecret', 'db.query.parameter.0', 'messaging.kafka.message.key', 'graphql.variables.a'])('the value of %s', (key) =>
    expect(one(key, 'v')).toBe('REDACTED'));
  test.each(['session.id', 'feature_flag.key', 'aws.s3.key', 'http.response.status_code', 'app.state', 'gen_ai.usage.input_tokens', 'k8s.secret.name'])('%s stays', (key) => expect(one(key, 'v')).toBe('v'));
  test('a number with a telling name, not a boolean', () => expect(redactor.attributes({ otp: 123456, 'has.password': true })).toEqual({ otp: 'REDACTED', 'has.password': true }));
  test('what a key holds', () => expect(redactor.attributes({ 'GET http://h/?token=t1': 1 })).toEqual({ 'GET http://h/?token=REDACTED': 1 }));
  test('nested values, a cycle among them', () => {
    const nested: Record<string, unknown> = { list: [{ password: 'p1' }, 'token=t1'] };
    nested.self = nested;
    expect(JSON.stringify(redactor.attributes(JSON.parse(JSON.stringify({ nested: { list: nested.list } })) as never))).toBe('{"nested":{"list":[{"password":"REDACTED"},"token=REDACTED"]}}');
    expect(redactor.attributes({ nested } as never)).toBeDefined();
  });
  test('URLs in headers', () => expect(one('http.response.header.location', ['/cb?code=c1'])).toEqual(['/cb?code=REDACTED']));
  test('the name of a statement\'s span', () => {
    expect(redactor.name("SELECT\n'p1'", { 'db.query.text': '' })).toBe('SELECT\n?');
    expect(redactor.name("it's", {})).toBe("it's");
  });
  test('the operation that an instrumentation took from a statement', () => expect(one('db.operation', "SELECT'p1'")).toBe('SELECT'));
  test('the given object is not changed', () => {
    const attributes = { 'url.full': 'http://h/?token=1' };
    redactor.attributes(attributes);
    expect(attributes['url.full']).toBe('http://h/?token=1');
  });
});

describe("the user's own rules", () => {
  const own = createRedactor({ names: ['iban'], attributes: ['app.customer.*', '*email*'], patterns: ['\\b\\d{3}-\\d{4}\\b', 'CUST-\\d*'], keep: ['code', 'my_token', 'db.query.text', 'messaging.kafka.*', 'process.command_args'] });
  test('names', () => expect(own.attributes({ iban: 'DE1', 'app.iban': 'DE1', 'url.full': 'http://h/?iban=DE1' })).toEqual({ iban: 'REDACTED', 'app.iban': 'REDACTED', 'url.full': 'http://h/?iban=REDACTED' }));
  test('attributes', () => expect(own.attributes({ 'app.customer.name': 'n', 'user.Email': ['e'], 'app.customers': 'c' })).toEqual({ 'app.customer.name': 'REDACTED', 'user.Email': ['REDACTED'], 'app.customers': 'c' }));
  test('patterns, in whatever value', () => {
    expect(own.text('call 555-1234 now')).toBe('call REDACTED now');
    expect(own.attributes({ 'http.route': '/555-1234', 'db.query.text': 'SELECT 555-1234' })).toEqual({ 'http.route': '/REDACTED', 'db.query.text': 'SELECT REDACTED' });
  });
  test('a name that is kept', () => expect(own.attributes({ 'url.full': 'http://h/?code=1&token=2', my_token: 'v', token: 'v' })).toEqual({ 'url.full': 'http://h/?code=1&token=REDACTED', my_token: 'v', token: 'REDACTED' }));
  test('what is kept is still text', () =>
    expect(own.attributes({ 'db.query.text': "SELECT 'a'", 'messaging.kafka.message.key': 'k', 'process.command_args': ['--token', 't1', '--port', '80', '--password=p1'] })).toEqual({
      'db.query.text': "SELECT 'a'",
      'messaging.kafka.message.key': 'k',
      'process.command_args': ['--token', 'REDACTED', '--port', '80', '--password=REDACTED'],
    }));
  test('a value too long to be searched is hidden whole', () => {
    const { text } = createRedactor({ ...none, patterns: ['\\w+!'] });
    expect([text('a'.repeat(20_000)), text('short!')]).toEqual(['REDACTED', 'REDACTED']);
  });
});

test('words of code in the database are hidden wherever they come again', () => {
  const { text } = createRedactor(none);
  noteUnsaid('no such person: Jane');
  noteUnsaid('no');
  expect(['cannot order: no such person: Jane\n    at x', 'no', 'no way'].map(text)).toEqual([`cannot order: ${UNSAID}\n    at x`, UNSAID, 'no way']);
  for (let i = 0; i < 100; i++) noteUnsaid(`other words ${i}`);
  expect(text('no such person: Jane')).toBe('no such person: Jane');
});
