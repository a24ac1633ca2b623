export const REDACTED = 'REDACTED';

export interface TextRedactor {
  /** Query string or URL: values of secret parameters and userinfo. */
  url(value: string): string;
  /** Free text: URLs, `name=value`, `"name": "value"`, bearer tokens, AWS key ids, JSON Web Tokens in it. */
  text(value: string): string;
}

/** Cheap test that lets nearly every string pass without a copy. */
const SUSPICIOUS = /[=:]|\b(?:AKIA|ASIA)|eyJ|bearer|basic|\bnear |\bvalue |entry |time zone /i;
/** Where database servers quote what they were given: PostgreSQL, MySQL and Redis. The names that they quote elsewhere stay. */
const QUOTED_INPUT = /\b(near |value:? |time zone |duplicate entry )(?:"(?:[^"]|"")*"|'(?:[^']|'')*')/gi;
/** Where what was given ends the message, quotes and line breaks in it as they were; and what a script of the application's says in Redis. */
const INPUT_FOLLOWS =
  /\b(?:(?:at or near|syntax for type [\w ]{1,60}:|value for (?:enum|parameter) [\w".]{1,130}:|malformed [\w ]{1,60}:|out of range:|with args beginning with:) (?=["'])|user_script:\d+: )/i;
const URLS = /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi;
const USERINFO = /^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*@/i;
const PARAMETER = /([?&;#]|^)([^=&?#;\s]{1,128})=([^&#;\s]*)/g;
const NAME = /\b([A-Za-z][\w.-]{0,63})["']?\s*[=:]\s*/g;
const VALUE = /"[^"]*"|'[^']*'|[^\s,;&"'}\])]+/y;
const SCHEMES = /\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi;
const AWS_KEY_ID = /\b(?:AKIA|ASIA)[A-Z0-9]{12,124}\b/g;
const JWT = /\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g;

export function createTextRedactor(isSecret: (name: string) => boolean): TextRedactor {
  const parameters = (value: string): string =>
    value.replace(PARAMETER, (whole, before: string, name: string, content: string) =>
      content !== '' && isSecret(name) ? `${before}${name}=${REDACTED}` : whole,
    );
  const url = (value: string): string => {
    let result = value;
    if (result.includes('@')) result = result.replace(USERINFO, (_, scheme: string | undefined) => `${scheme ?? ''}//${REDACTED}:${REDACTED}@`);
    if (result.includes('=')) {
      const query = result.search(/[?#]/);
      result = query < 0 ? (USERINFO.test(result) || result.startsWith('/') || result.includes('://') ? result : parameters(result)) : result.slice(0, query) + parameters(result.slice(query));
    }
    return result.replace(AWS_KEY_ID, REDACTED);
  };
  return {
    url,
    text(value) {
      if (!SUSPICIOUS.test(value)) return value;
      const clean = value.replace(URLS, url).replace(SCHEMES, `$1 ${REDACTED}`);
      return redactNamed(redactQuoted(clean), isSecret).replace(AWS_KEY_ID, REDACTED).replace(JWT, REDACTED);
    },
  };
}

function redactQuoted(value: string): string {
  const found = INPUT_FOLLOWS.exec(value);
  const clean = found === null ? value : hideRest(value, found.index + found[0].length);
  return clean.replace(QUOTED_INPUT, '$1?');
}

/** Up to the stack below the message, if there is one. */
function hideRest(value: string, from: number): string {
  const stack = value.indexOf('\n    at ', from);
  const end = stack < 0 ? value.length : stack;
  return `${value.slice(0, from)}?${value.slice(end)}`;
}

/** Looks at every name, also at one that stands where the value of another would (`failed: password=…`). */
function redactNamed(value: string, isSecret: (name: string) => boolean): string {
  let result = '';
  let copied = 0;
  NAME.lastIndex = 0;
  for (let match = NAME.exec(value); match !== null; match = NAME.exec(value)) {
    const name = match[1]!;
    if (isAmbiguous(name) || !isSecret(name)) continue;
    VALUE.lastIndex = NAME.lastIndex;
    const content = VALUE.exec(value)?.[0];
    if (content === undefined || content.startsWith('//')) continue;
    result += value.slice(copied, NAME.lastIndex) + REDACTED;
    copied = NAME.lastIndex += content.length;
  }
  return copied === 0 ? value : result + value.slice(copied);
}

/** Words that are secrets as a query parameter but ordinary in prose and stack traces (`code: 'ECONNREFUSED'`, `state: open`). */
function isAmbiguous(name: string): boolean {
  return /^(?:key|code|state|pin|session|auth|nonce|sid|pass)$/i.test(name);
}
