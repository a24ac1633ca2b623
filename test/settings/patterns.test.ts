import { expect, test } from 'vitest';
import { findPatternFault } from '../../src/settings/pattern.ts';
import { read, readLines } from './project.ts';

test.each([
  '\\b\\d{3}-\\d{2}-\\d{4}\\b', '[\\w.+-]+@[\\w.-]+', '(?:\\d{4}[ -]?){3}\\d{4}', 'CUST-(?:EU|US)-\\d+', '(?:a|b)+', '(?:key|token)=\\S+', '\\w+ \\d{11,20}', 'a?b?c?d', '[(|)*+]+x', '(?<id>x)y', '^.+$',
])('%s holds', (source) => expect(findPatternFault(source)).toBeNull());

test.each(['(a+)+$', '(a*)*b', '(?:a|a)*$', '(a|ab)+c', '(\\w|\\d)+!', '((ab)+c?)*', '([a-z]+,?){20,}', '(?:(?:a?){3,})+', '\\w*\\w*!', '\\w+a\\w+!', '.*.*=', '\\d+(?:x)?\\d+!', 'a?'.repeat(30) + 'a'.repeat(30)])('%s may take very long', (source) => expect(findPatternFault(source)).toMatch(/very long/));

test.each([['(', /no regular expression/], ['a*', /fits nothing/], ['', /fits nothing/], ['x'.repeat(2000), /longer than 1000/]])('%s is refused', (source, reason) => expect(findPatternFault(source)).toMatch(reason));

test('what is refused says where it stands; the others hold', async () => {
  const yaml = "redact:\n  patterns:\n    - '\\d{3}, \\d{4}'\n    - '(a+)+'\n";
  expect((await read({ yaml })).values['redact.patterns'].value).toEqual(['\\d{3}, \\d{4}']);
  expect(await readLines({ yaml })).toEqual([expect.stringMatching(/^otel-run\.config\.yaml:\d+:\d+ redact\.patterns: '\(a\+\)\+' may take very long: .*; the others hold$/)]);
});

test('a variable holds one a line', async () => {
  const { values } = await read({ env: { OTEL_RUN_REDACT_PATTERNS: '\\d{3,4}\nCUST-\\w+\n', OTEL_RUN_REDACT_KEEP: 'code, page_token', OTEL_RUN_REDACT_ATTRIBUTES: 'app.customer.*' } });
  expect([values['redact.patterns'].value, values['redact.keep'].value, values['redact.attributes'].value]).toEqual([['\\d{3,4}', 'CUST-\\w+'], ['code', 'page_token'], ['app.customer.*']]);
});

test('--strict refuses a pattern that does not hold', async () => {
  expect((await read({ env: { OTEL_RUN_REDACT_PATTERNS: '(' } })).problems).toMatchObject([{ strict: true, severity: 'error' }]);
});
