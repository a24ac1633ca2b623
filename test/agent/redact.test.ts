import { describe, expect, test } from 'vitest';
import type { RedactPlan } from '../../src/plan/types.ts';
import { createRedactor } from '../../src/agent/redact/redact.ts';
import { UNSAID, noteUnsaid } from '../../src/agent/redact/unsaid.ts';
import { redactScope } from '../../src/agent/redact/scope.ts';
import { redactSql } from '../../src/agent/redact/sql.ts';
import { generator } from '../harness/seeded.ts';

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
    ["SET PASSWORD FOR 'u' = p1; ALTER USER x IDENTIFIED BY p1", 'SET PASSWORD FOR ? = ?; ALTER USER x IDENTIFIED BY ?'],
    ['CREATE USER x IDENTIFIED BY "p1" DEFAULT TABLESPACE y', 'CREATE USER x IDENTIFIED BY ? DEFAULT TABLESPACE y'],
    ['CREATE USER x IDENTIFIED BY $1', 'CREATE USER x IDENTIFIED BY $1'],
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
    ['{"apiKey": "k1", "n": 1}', '{"apiKey": "REDACTED", "n": 1}'],
    ['Authorization: Bearer abcdef.123', 'Authorization: REDACTED'],
    ['got AKIAIOSFODNN7EXAMPLE back', 'got REDACTED back'],
    ['token eyJhbGciOi.eyJzdWIiOi.sig_x', 'token REDACTED'],
    ['Cookie: sid=a; theme=b\nAccept: c', 'Cookie: REDACTED\nAccept: c'],
    ['Authorization: Digest username="u", response="r"', 'Authorization: REDACTED'],
    ['{"body":"{\\"password\\":\\"p,1\\"}"}', '{"body":"{\\"password\\":\\"REDACTED\\"}"}'],
    ['{"password": "p\\"1"}', '{"password": "REDACTED"}'],
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

/** `S3` is the secret. */
describe('the names of values in text', () => {
  test.each([
    ['_token=S3', '_token=REDACTED'],
    ['__password: S3', '__password: REDACTED'],
    ['2fa_token=S3', '2fa_token=REDACTED'],
    ['token[]=S3&token[1]=S3', 'token[]=REDACTED&token[1]=REDACTED'],
    ['user[password]=S3', 'user[password]=REDACTED'],
    ['user%5Bpassword%5D=S3', 'user%5Bpassword%5D=REDACTED'],
    ['%22password%22%3A%22S3%22', 'REDACTED'],
    ['from /a/b%3Fpassword%3DS3 on', 'from /a/REDACTED on'],
    ['password%253DS3', 'REDACTED'],
    [`${'x'.repeat(300)}_password=S3`, `${'x'.repeat(300)}_password=REDACTED`],
    ['secret_key_base=S3', 'secret_key_base=REDACTED'],
    ['client_secret_value=S3', 'client_secret_value=REDACTED'],
    ['private_key_pem: S3', 'private_key_pem: REDACTED'],
    ['API_KEY_1=S3', 'API_KEY_1=REDACTED'],
    ['token2=S3', 'token2=REDACTED'],
    ['accessTokens=S3', 'accessTokens=REDACTED'],
    ['bearer=S3', 'bearer=REDACTED'],
    ['{"credentials":{"user":"u","value":"}S3"},"n":1}', '{"credentials":"REDACTED","n":1}'],
    ['{"password":["a]","S3"],"n":1}', '{"password":"REDACTED","n":1}'],
    ['{"card_number":4242,"n":1}', '{"card_number":"REDACTED","n":1}'],
    ['{\\\\\\"password\\\\\\":\\\\\\"S3\\\\\\"}', '{\\\\\\"password\\\\\\":\\\\\\"REDACTED\\\\\\"}'],
    ['password=ab\\S3', 'password=REDACTED'],
    ['password=`ab S3` x', 'password=`REDACTED` x'],
    ['password: "S3 never closed S3', 'password: "REDACTED"'],
    ['password: [S3\n    at run (/app/a.js:1:2)', 'password: REDACTED\n    at run (/app/a.js:1:2)'],
    ['password=a;S3', 'password=REDACTED'],
    ['password=a,S3', 'password=REDACTED'],
    ['Server=h;Pwd=S3;Encrypt=yes', 'Server=h;Pwd=REDACTED;Encrypt=yes'],
    ["password='it''s S3' x", "password='REDACTED' x"],
    ['{"h":"Authorization: Digest username=\\"u\\", response=\\"S3\\"","n":1}', '{"h":"Authorization: REDACTED","n":1}'],
    ['["--verbose", "--password", "S3"]', '["--verbose", "--password", "REDACTED"]'],
    ['keytool -storepassword S3 -v', 'keytool -storepassword REDACTED -v'],
    ["redis://:p'S3@host/0", 'redis://REDACTED:REDACTED@host/0'],
    ['//u:S3@h/x', '//REDACTED:REDACTED@h/x'],
    ['u:S3@tcp(h:3306)/db', 'REDACTED:REDACTED@tcp(h:3306)/db'],
    ['curl -u user:S3 http://h', 'curl -u REDACTED:REDACTED http://h'],
    ['<a:password kind="b">S3</a:password>', '<a:password kind="b">REDACTED</a:password>'],
    ['<password><![CDATA[<S3>]]></password>', '<password>REDACTED</password>'],
    ['ApiKey S3abcdef', 'ApiKey REDACTED'],
  ])('%s', (text, clean) => expect(redactor.text(text)).toBe(clean));
  test('one that is kept, in brackets too', () => {
    const { text } = createRedactor({ ...none, keep: ['page_token'] });
    const kept = 'page_token=a list[page_token]=b --page_token=c page_token[]=d list%5Bpage_token%5D=e';
    expect(text(kept)).toBe(kept);
  });
});

test.each([
  'token_count=5', 'tokens: 512', 'max_tokens=100', '{"input_tokens":12,"total_tokens": 7}', 'secretary=Ann', 'passwordless login', 'passwordless: true', 'monkey=1', 'turkey: 2', 'author: Ann', 'authority: x',
  "Unexpected token 'a', \"{a}\" is not valid JSON", 'Unexpected token: }', 'tokenizer=bpe', 'status_code=404', 'state: open', 'spine: 4', 'key1=a', 'pass2: ok', 'compass=N', 'bypass: yes', 'token_type=Bearer', 'token_endpoint: https://h/t',
  'docker run -u 1000:1000 x', 'well-known -x y', '10:30:15', 'time%3A10%3A30', 'http://h/a%3Ab', 'at Object.<anonymous> (file:///app/a.js:1:2)', 'git@github.com:a/b.git', 'email: a@b.c', 'npm install @scope/x@1.2.3', '//cdn.example.com/x',
  'token expired', 'password must be 8 characters', '<code>a</code>', '<token-count>5</token-count>', 'grant_type=authorization_code', 'oauth2=on', 'value: 5 x', 'assign: y',
])('%s stays', (text) => expect(redactor.text(text)).toBe(text));

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
  test.each(['cloud.api_key', 'cloud.account.secret', 'host.password', 'code.token', 'network.secret', 'messaging.operation.password', 'rpc.service.token', 'thread.api_key_2', 'os.secret_key_base'])('no namespace is spared: %s', (key) =>
    expect(one(key, 'v')).toBe('REDACTED'));
  test.each([
    ['code.stacktrace', 'Error: password=S3', 'Error: password=REDACTED'],
    ['host.name', 'https://u:S3@h', 'https://REDACTED:REDACTED@h'],
    ['os.description', 'token=S3', 'token=REDACTED'],
    ['http.route', '/x?token=S3', '/x?token=REDACTED'],
    ['http.route', '/v1/token:revoke', '/v1/token:revoke'],
    ['telemetry.x', 'password: S3', 'password: REDACTED'],
  ])('%s: %s', (key, value, clean) => expect(one(key, value)).toBe(clean));
  test.each(['cloud.region', 'cloud.account.id', 'host.name', 'code.function.name', 'code.lineno', 'thread.name', 'network.protocol.name', 'rpc.grpc.status_code', 'gen_ai.token.type', 'gen_ai.request.max_tokens', 'messaging.operation.name', 'aws.secretsmanager.secret.arn', 'token_count'])(
    '%s stays as it is', (key) => expect(one(key, 'web-1')).toBe('web-1'));
  test('words of a command in any list', () => expect(one('app.args', ['--password', 'S3', '--port', '80'])).toEqual(['--password', 'REDACTED', '--port', '80']));
  test('name, version and schema of a scope', () =>
    expect(redactScope({ name: 'a password=S3', version: '1 token=S3', schemaUrl: 'https://u:S3@h/?token=S3' }, redactor)).toEqual({ name: 'a password=REDACTED', version: '1 token=REDACTED', schemaUrl: 'https://REDACTED:REDACTED@h/?token=REDACTED' }));
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
    expect(redactor.name('GET /x?token=p1', { 'db.query.text': '' })).toBe('GET /x?token=REDACTED');
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

describe('by chance', () => {
  const random = generator(5);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;

  test('no way of writing a name and its value lets it pass', () => {
    const stems = ['token', 'api_key', 'clientSecret', 'PASSWORD', 'private-key', 'x.auth.token', 'refresh_tokens', 'passwd'];
    for (let times = 0; times < 5000; times++) {
      const name = `${pick(['', '_', '__', '2', 'my-', 'a.b.', 'user['])}${pick(stems)}${pick(['', '', '2', '_1', '_value', '[]', '[3]'])}`;
      const quote = pick(['', '', '"', "'", '`', '\\"', '\\\\\\"']);
      const [before, separator] = [pick(['', '"', "'", '\\"']), pick(['=', ': ', ':', ' = ', ' => ', ':\n  '])];
      const odd = quote === '' ? pick(['', 'a\\', 'a;', 'a,', 'a)', 'a/', 'a%', 'a$@', 'a}', 'a&', 'a=', 'a:', '{', '[[']) : pick(['', 'a b ', 'a; ', '},', ']', 'a\n', '[{']);
      const text = `${pick(['', 'failed: ', '{"a":1,', '(', 'x\n', 'a=b; ', 'https://h/a '])}${before}${name}${name.startsWith('user[') ? ']' : ''}${before}${separator}${quote}${odd}S3cretS3${pick([quote, quote, ''])}${pick(['', ' after', ', b=1', '}', '\nnext'])}`;
      expect(redactor.text(text), text).not.toContain('S3cretS3');
    }
  });

  test('JSON stays JSON, also in strings of JSON', () => {
    const make = (depth: number): unknown => {
      const value = pick<() => unknown>([() => 1, () => null, () => 'plain words', () => 'a "quoted" \\ one', () => [1, 'b'], () => make(depth + 1), () => [make(depth + 1)], () => JSON.stringify(make(depth + 1))]);
      const secret = pick<() => unknown>([() => 'S3cret', () => 'a"S3cret\\', () => ['x]', 'S3cret'], () => ({ a: { b: '}S3cret' } }), () => 12345, () => '', () => null]);
      return depth > 3 ? {} : { [pick(['a', 'b c', 'n1'])]: value(), [pick(['password', 'api_key', 'credentials', 'x_token2'])]: secret(), last: 'stays' };
    };
    for (let times = 0; times < 2000; times++) {
      const given = JSON.stringify(make(0));
      const clean = redactor.text(given);
      expect(clean, given).not.toContain('S3cret');
      expect((JSON.parse(clean) as { last: string }).last, given).toBe('stays');
    }
  });

  const pieces = ['password', 'token', '=', ':', ': ', '"', "'", '`', '\\', '\\"', '[', ']', '{', '}', '(', ')', ';', ',', '&', '?', '#', '@', '//', '://', '%3D', '%22', '%25', '%', '<', '>', '</', '<![CDATA[', '--', '-', ' ', '\n', '\n    at ', 'eyJ', 'a', '7', '.', '_', 'u:x@tcp(', 'curl -u ', 'near "', 'Authorization: ', 'bearer ', 'é', '\ud800'];
  // Of a hostile value the application waits for the end: seconds would be its outage. A busy machine takes a tenth of the bound.
  const LONGEST_MS = 3000;
  const expectQuick = (piece: string): void => {
    const value = piece.repeat(Math.ceil(131_072 / piece.length));
    const start = performance.now();
    for (const end of ['', '=', '"', '@', '%3D']) redactor.attributes({ a: value + end });
    redactor.attributes({ 'url.full': value });
    expect(performance.now() - start, JSON.stringify(piece)).toBeLessThan(LONGEST_MS);
  };
  test('no value of 128 KiB takes long: one piece', { timeout: 120_000 }, () => {
    for (const piece of [...pieces, 'eyJ-', 'a.', 'password=', 'password:[', 'password:[\n    at ', 'password:"\n    at ', '--token "', '["--token", ', '<password>', '<password a', 'a%3d%22password', "'\"", "h://'", '//u:', 'password=a;b', '?a=%3F', 'authorization: x="']) expectQuick(piece);
  });
  test('no value of 128 KiB takes long: pieces by chance', { timeout: 120_000 }, () => {
    for (let times = 0; times < 30; times++) expectQuick(Array.from({ length: 2 + Math.floor(random() * 5) }, () => pick(pieces)).join(''));
  });
});
