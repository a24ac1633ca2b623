import { redactNamed, redactOptions } from './named-values.ts';
import { decodeAscii, type SecretNames } from './names.ts';
import { REDACTED } from './redacted.ts';

export interface TextRedactor {
  /** Query string or URL: values of secret parameters and userinfo. */
  url(value: string): string;
  /** Free text: URLs, `name=value`, `"name": "value"`, `--name value`, tokens of known shapes in it. */
  text(value: string): string;
}

/** Cheap test that lets nearly every string pass without a copy. */
const SUSPICIOUS =
  /[=:]|%(?:25){0,3}3[ad]|<\/|--|\s-[a-z]|^-[a-z]|\b(?:AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|xox[a-z]-|sk-|[sr]k_|AIza|ya29\.|npm_|SG\.|hf_|dop_v1_|shp(?:at|ss)_|whsec_)|eyJ|bearer|basic|apikey|\bnear |\bvalue |entry |time zone /i;
/** Where database servers quote what they were given: PostgreSQL, MySQL and Redis. The names that they quote elsewhere stay. */
const QUOTED_INPUT = /\b(near |value:? |time zone |duplicate entry )(?:"(?:[^"]|"")*"|'(?:[^']|'')*')/gi;
/** Where what was given ends the message, quotes and line breaks in it as they were; and what a script of the application's says in Redis. */
const INPUT_FOLLOWS =
  /\b(?:(?:at or near|syntax to use near|syntax for type [\w ]{1,60}:|value for (?:enum|parameter) [\w".]{1,130}:|malformed [\w ]{1,60}:|out of range:|with args beginning with:) (?=["'])|user_script:\d+: )/i;
const URLS = /\b[a-z][a-z0-9+.-]{0,40}:\/\/[^\s"'<>]+/gi;
const USERINFO = /^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*@/i;
/** A password with `/`, `?` or `#` in it, which would have to be encoded: what follows the colon is no port. */
const ODD_USERINFO = /^([a-z][a-z0-9+.-]*:)?\/\/[^/?#:@[\]]*:(?!\d*(?:[/?#]|$))\S*@/i;
/** Without one of these a URL has neither user nor parameters. */
const URL_PARTS = /[=?#;@]/;
const PARAMETER = /([?&;#]|^)([^=&?#;\s]{1,128})=([^&#;\s]*)/g;
/** The same in the middle of a text, where no scheme shows that it is a URL: `GET /callback?code=…`. */
const QUERY = /([?&])([^=&?#;\s"'<>{}()]{1,128})=([^&#;\s"'<>]*)/g;
/** What is left of a URL or form when it was encoded whole: `password%3D…`, `%22password%22%3A%22…`. */
const ENCODED = /[^\s"'<>(){}&=]+/g;
const ENCODED_SEPARATOR = /%(?:25){0,3}3[ad]/i;
/** A URL in a URL in a URL: nobody reads what is encoded more often than this. */
const MOST_ENCODED = 3;
/** `<password>…`: without the end, which may be missing. */
const ELEMENT = /<([\w:.-]{1,128})((?:\s[^<>]{0,256})?>\s*)(?:<!\[CDATA\[[\s\S]*?(?:\]\]>|$)|[^<\s][^<]*)/g;
/** Without a scheme (`//user:…@host`); with a quote in the password, which ends what {@link URLS} finds. */
const BARE_USERINFO = /(?<![\w:/])(\/\/)[^\s"'<>/@:]{1,128}:[^\s"'<>/@]{0,256}@/g;
const QUOTE_IN_USERINFO = /\b([a-z][a-z0-9+.-]{0,40}:\/\/)[^\s"'<>/?#@,;]{0,128}["'<>][^\s/?#@,;:"'<>{}()[\]]{0,128}@/gi;
/** As drivers for Go take it: `user:…@tcp(host:3306)/db`. */
const GO_DSN = /^([^\s:@/]{0,128}[("'=])?[^\s:@/]{1,128}:.*@(?=(?:tcp|udp|unix)\()/i;
const CURL_USER = /(\s(?:-u|--user|--proxy-user)[ =]["']?)([^\s:"']{1,128}):[^\s"']+/g;
const API_KEY_SCHEME = /\b(apikey)\s+(?=\S{0,128}\d)[\w.~+/=-]{6,}/gi;
const SCHEMES = /\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi;
const AWS_KEY_ID = /\b(?:AKIA|ASIA)[A-Z0-9]{12,124}\b/g;
/** Takes what only begins like one as well: looked at once, however often it says `eyJ`. */
const JWT = /\beyJ[\w-]{5,}(\.[\w-]{5,}\.[\w-]*)?/g;
/** Tokens that say by their first letters what they are: GitHub, GitLab, Slack, OpenAI and the like, Stripe, Google, npm, SendGrid, Hugging Face, DigitalOcean, Shopify. */
const TOKENS =
  /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}|sk-[\w-]{20,}|[sr]k_(?:live|test)_\w{10,}|AIza[\w-]{30,}|ya29\.[\w.-]{20,}|npm_[A-Za-z0-9]{30,}|SG\.[\w-]{16,}\.[\w-]{16,}|hf_[A-Za-z0-9]{20,}|dop_v1_[0-9a-f]{40,}|shp(?:at|ss)_[0-9a-fA-F]{20,}|whsec_[\w+/=]{16,})/g;
/** Without it none of the three above is there. */
const SHAPE = /AKIA|ASIA|eyJ|gh[pousr]_|github_pat_|glpat-|xox[a-z]-|sk-|[sr]k_|AIza|ya29\.|npm_|SG\.|hf_|dop_v1_|shp(?:at|ss)_|whsec_/;
const PRIVATE_KEY = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g;

export function createTextRedactor(names: SecretNames): TextRedactor {
  const isHidden = (name: string, content: string): boolean => content !== '' && (names.parameter(name) || holdsSecret(content));
  const parameters = (value: string, where = PARAMETER): string =>
    value.replace(where, (whole, before: string, name: string, content: string) => (isHidden(name, content) ? `${before}${name}=${REDACTED}` : whole));
  let depth = 0;
  /** A whole URL or document may be the value of a parameter (`?redirect=https%3A%2F%2F…%3Ftoken%3D…`). */
  const holdsSecret = (content: string): boolean => {
    if (!content.includes('%')) return false;
    const plain = decodeAscii(content.replaceAll('+', ' '));
    if (plain === content) return false;
    if (depth >= MOST_ENCODED) return true;
    depth++;
    try {
      return text(plain) !== plain;
    } finally {
      depth--;
    }
  };
  const url = (value: string): string => {
    if (!URL_PARTS.test(value)) return shapes(value);
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
  const element = (whole: string, name: string, open: string): string => (names.word(name.slice(name.indexOf(':') + 1)) ? `<${name}${open}${REDACTED}` : whole);
  const text = (value: string): string => {
    if (!SUSPICIOUS.test(value)) return value;
    let clean = value;
    if (clean.includes('@')) clean = redactUsers(clean);
    clean = clean.replace(URLS, url).replace(SCHEMES, `$1 ${REDACTED}`).replace(API_KEY_SCHEME, `$1 ${REDACTED}`);
    if (clean.includes('=')) clean = parameters(clean, QUERY);
    if (clean.includes('-')) clean = redactOptions(clean.replace(PRIVATE_KEY, REDACTED), names);
    if (clean.includes('%')) clean = clean.replace(ENCODED, (run) => (holdsSecret(run) ? `${run.slice(0, run.lastIndexOf('/', run.search(ENCODED_SEPARATOR)) + 1)}${REDACTED}` : run));
    if (clean.includes('</')) clean = clean.replace(ELEMENT, element);
    if (clean.includes('curl')) clean = clean.replace(CURL_USER, `$1${REDACTED}:${REDACTED}`);
    return shapes(redactNamed(redactQuoted(clean), names));
  };
  return { url, text: remember(text) };
}

function redactUsers(value: string): string {
  let clean = value.replace(QUOTE_IN_USERINFO, `$1${REDACTED}:${REDACTED}@`).replace(BARE_USERINFO, `$1${REDACTED}:${REDACTED}@`);
  if (/@(?:tcp|udp|unix)\(/i.test(clean)) clean = clean.replace(/\S+/g, (word) => word.replace(GO_DSN, `$1${REDACTED}:${REDACTED}@`));
  return clean;
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
  if (!SHAPE.test(value)) return value;
  return value
    .replace(AWS_KEY_ID, REDACTED)
    .replace(JWT, (whole, rest?: string) => (rest === undefined ? whole : REDACTED))
    .replace(TOKENS, REDACTED);
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
