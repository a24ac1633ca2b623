import type { SecretNames } from './names.ts';

export const REDACTED = 'REDACTED';

export interface TextRedactor {
  /** Query string or URL: values of secret parameters and userinfo. */
  url(value: string): string;
  /** Free text: URLs, `name=value`, `"name": "value"`, `--name value`, tokens of known shapes in it. */
  text(value: string): string;
}

/** Cheap test that lets nearly every string pass without a copy. */
const SUSPICIOUS =
  /[=:]|--|\b(?:AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|xox[a-z]-|sk-|[sr]k_|AIza|ya29\.|npm_|SG\.|hf_|dop_v1_|shp(?:at|ss)_|whsec_)|eyJ|bearer|basic|\bnear |\bvalue |entry |time zone /i;
/** Where database servers quote what they were given: PostgreSQL, MySQL and Redis. The names that they quote elsewhere stay. */
const QUOTED_INPUT = /\b(near |value:? |time zone |duplicate entry )(?:"(?:[^"]|"")*"|'(?:[^']|'')*')/gi;
/** Where what was given ends the message, quotes and line breaks in it as they were; and what a script of the application's says in Redis. */
const INPUT_FOLLOWS =
  /\b(?:(?:at or near|syntax to use near|syntax for type [\w ]{1,60}:|value for (?:enum|parameter) [\w".]{1,130}:|malformed [\w ]{1,60}:|out of range:|with args beginning with:) (?=["'])|user_script:\d+: )/i;
const URLS = /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi;
const USERINFO = /^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*@/i;
/** A password with `/`, `?` or `#` in it, which would have to be encoded: what follows the colon is no port. */
const ODD_USERINFO = /^([a-z][a-z0-9+.-]*:)?\/\/[^/?#:@[\]]*:(?!\d*(?:[/?#]|$))\S*@/i;
const PARAMETER = /([?&;#]|^)([^=&?#;\s]{1,128})=([^&#;\s]*)/g;
/** The same in the middle of a text, where no scheme shows that it is a URL: `GET /callback?code=…`. */
const QUERY = /([?&])([^=&?#;\s"'<>{}()]{1,128})=([^&#;\s"'<>]*)/g;
const NAME = /\b([A-Za-z][\w.-]{0,63})\\?["']?\]?\s*(?:=>|[=:])\s*/g;
const VALUE = /\\"(?:(?!\\").)*\\"|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\[[^\]]*\]|[^\s,;&"'}\])\\]+/y;
/** Values with spaces in them, to the end of the line where no quotes bound them. */
const WHOLE_LINE = /(?:authorization|cookie)$/i;
const LINE = /[^\r\n"']+/y;
const OPTION = /(--)([A-Za-z][\w.-]{1,63})(\s+)("[^"]*"|'[^']*'|(?!-)\S+)/g;
const SCHEMES = /\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi;
const AWS_KEY_ID = /\b(?:AKIA|ASIA)[A-Z0-9]{12,124}\b/g;
const JWT = /\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g;
/** Tokens that say by their first letters what they are: GitHub, GitLab, Slack, OpenAI and the like, Stripe, Google, npm, SendGrid, Hugging Face, DigitalOcean, Shopify. */
const TOKENS =
  /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}|sk-[\w-]{20,}|[sr]k_(?:live|test)_\w{10,}|AIza[\w-]{30,}|ya29\.[\w.-]{20,}|npm_[A-Za-z0-9]{30,}|SG\.[\w-]{16,}\.[\w-]{16,}|hf_[A-Za-z0-9]{20,}|dop_v1_[0-9a-f]{40,}|shp(?:at|ss)_[0-9a-fA-F]{20,}|whsec_[\w+/=]{16,})/g;
const PRIVATE_KEY = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g;

export function createTextRedactor(names: SecretNames): TextRedactor {
  const isHidden = (name: string, content: string): boolean => content !== '' && (names.parameter(name) || holdsSecret(content));
  const parameters = (value: string, where = PARAMETER): string =>
    value.replace(where, (whole, before: string, name: string, content: string) => (isHidden(name, content) ? `${before}${name}=${REDACTED}` : whole));
  /** A whole URL or document may be the value of a parameter (`?redirect=https%3A%2F%2F…%3Ftoken%3D…`). */
  const holdsSecret = (content: string): boolean => {
    if (!content.includes('%')) return false;
    try {
      const plain = decodeURIComponent(content.replaceAll('+', ' '));
      return plain !== content && text(plain) !== plain;
    } catch {
      return false;
    }
  };
  const url = (value: string): string => {
    let result = value;
    if (result.includes('@')) {
      const hidden = (_: string, scheme: string | undefined): string => `${scheme ?? ''}//${REDACTED}:${REDACTED}@`;
      const odd = result.replace(ODD_USERINFO, hidden);
      result = odd === result ? result.replace(USERINFO, hidden) : odd;
    }
    const first = result.search(/[=?#;]/);
    if (first >= 0 && result.includes('=')) {
      const isBare = result[first] === '=' && !result.slice(0, first).includes('/');
      const begin = isBare ? 0 : result.search(/[?#;]/);
      if (begin >= 0) result = result.slice(0, begin) + parameters(result.slice(begin));
    }
    return shapes(result);
  };
  const text = (value: string): string => {
    if (!SUSPICIOUS.test(value)) return value;
    let clean = value.replace(URLS, url).replace(SCHEMES, `$1 ${REDACTED}`);
    if (clean.includes('=')) clean = parameters(clean, QUERY);
    if (clean.includes('--')) clean = clean.replace(PRIVATE_KEY, REDACTED).replace(OPTION, (whole, dashes: string, name: string, space: string) => (names.parameter(name) ? `${dashes}${name}${space}${REDACTED}` : whole));
    return shapes(redactNamed(redactQuoted(clean), names));
  };
  return { url, text: remember(text) };
}

/** Most short texts come again: names of spans, hosts, user agents. */
function remember(text: (value: string) => string): (value: string) => string {
  const known = new Map<string, string>();
  return (value) => {
    if (value.length > 256) return text(value);
    let clean = known.get(value);
    if (clean === undefined) {
      if (known.size >= 512) known.clear();
      known.set(value, (clean = text(value)));
    }
    return clean;
  };
}

function shapes(value: string): string {
  return value.replace(AWS_KEY_ID, REDACTED).replace(JWT, REDACTED).replace(TOKENS, REDACTED);
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
function redactNamed(value: string, names: SecretNames): string {
  let result = '';
  let copied = 0;
  NAME.lastIndex = 0;
  for (let match = NAME.exec(value); match !== null; match = NAME.exec(value)) {
    const name = match[1]!;
    if (!names.word(name)) continue;
    const content = valueAt(value, NAME.lastIndex, WHOLE_LINE.test(name));
    if (content === undefined || content.startsWith('//')) continue;
    result += value.slice(copied, NAME.lastIndex) + REDACTED;
    copied = NAME.lastIndex += content.length;
  }
  return copied === 0 ? value : result + value.slice(copied);
}

function valueAt(value: string, from: number, isWholeLine: boolean): string | undefined {
  const pattern = isWholeLine && !/["'\\[]/.test(value[from] ?? '') ? LINE : VALUE;
  pattern.lastIndex = from;
  return pattern.exec(value)?.[0];
}
