/**
 * Names whose values are credentials wherever they stand: URL query parameters, headers, command-line options, attributes,
 * `key=value` in text. Compared by letters and digits alone, without case; a name that ends with one of the endings counts too,
 * also where it is numbered, in the plural, or followed by what kind of value it is.
 */
const EXACT = new Set([
  'key', 'code', 'sig', 'sid', 'auth', 'pwd', 'pw', 'pass', 'otp', 'totp', 'pin', 'cvv', 'cvc', 'ssn', 'state', 'nonce', 'cookie', 'setcookie',
  'awsaccesskeyid', 'xamzcredential', 'googleaccessid', 'session', 'phpsessid', 'jsessionid', 'assertion', 'samlresponse', 'samlrequest',
  'xauth', 'xsession', 'xkey', 'devicecode', 'usercode', 'codeverifier', 'authcode', 'hmac', 'bearer', 'cvv2', 'cvc2',
]);
const ENDINGS = [
  'token', 'secret', 'password', 'passwd', 'passcode', 'passphrase', 'apikey', 'appkey', 'accesskey', 'secretkey', 'privatekey', 'accountkey', 'masterkey',
  'encryptionkey', 'signingkey', 'subscriptionkey', 'licensekey', 'authkey', 'accesskeyid', 'secretaccesskey', 'signature', 'authorization', 'credential',
  'credentials', 'jwt', 'sessionid', 'connectionstring', 'cardnumber', 'dsn',
];
/** Many of them (`accessTokens`). Not of `token` alone: models count `tokens`. */
const PLURALS = [
  'secrets', 'apikeys', 'appkeys', 'accesskeys', 'secretkeys', 'privatekeys', 'signatures', 'passphrases', 'passcodes', 'jwts', 'sessionids', 'connectionstrings', 'cardnumbers',
  'accesstokens', 'refreshtokens', 'authtokens', 'apitokens', 'idtokens', 'sessiontokens', 'bearertokens', 'csrftokens', 'resettokens', 'usertokens', 'secrettokens',
];
const ALL_ENDINGS = [...ENDINGS, ...PLURALS];
/** `api_key_1`, `token2`, `secret_key_base`, `private_key_pem`. */
const TRAILER =
  /(?:b64|\d{1,3}|base|value|val|str|string|raw|plain|plaintext|hex|pem|der|json|data|bytes|binary|hash|header|enc|encrypted|old|new|prev|previous|current|prod|production|dev|staging|test|live|primary|secondary)$/;
const PARTS = ['password', 'passwd'];
/** No ending with its trailers is longer. */
const LONGEST_ENDING = 64;
/** Says that there is none. */
const NO_PASSWORD = /passwordless/g;
/** Secrets as a query parameter but ordinary words in prose and stack traces (`code: 'ECONNREFUSED'`, `state: open`). */
const ORDINARY_WORDS = new Set(['key', 'code', 'state', 'pin', 'session', 'auth', 'nonce', 'sid', 'pass']);
/** And as an attribute (`feature_flag.key`, `aws.s3.key`). */
const ORDINARY_ATTRIBUTES = new Set(['key', 'code', 'state', 'session', 'auth', 'nonce']);
/** Identifies a session for telemetry, by the semantic conventions; not the cookie. */
const HARMLESS_ATTRIBUTES = new Set(['session.id', 'session.previous_id']);

export interface SecretNames {
  /** As a query parameter, header or option. */
  parameter(name: string): boolean;
  /** Where the same word may be an ordinary one. */
  word(name: string): boolean;
  /** By the last part of the key, or the last two (`api.key`). */
  attribute(key: string): boolean;
  /** Told by the user to be left. */
  isKept(name: string): boolean;
}

/** The built-in list with the user's own names added, and those that are to be kept taken away. Remembers its answers, in bounds. */
export function createSecretNames({ names, keep }: { readonly names: readonly string[]; readonly keep: readonly string[] }): SecretNames {
  const own = new Set(names.map(normalise));
  const kept = createGlobs(keep);
  const known = new Map<string, boolean>();
  const parameter = (name: string): boolean => {
    const answer = known.get(name);
    if (answer !== undefined) return answer;
    const secret = own.has(normalise(name)) || (!kept(name) && isBuiltIn(normalise(name)));
    if (known.size >= 1000) known.clear();
    known.set(name, secret);
    return secret;
  };
  const unless = (ordinary: ReadonlySet<string>) => (name: string): boolean => parameter(name) && (!ordinary.has(normalise(name)) || own.has(normalise(name)));
  const isTelling = unless(ORDINARY_ATTRIBUTES);
  return {
    parameter,
    word: unless(ORDINARY_WORDS),
    isKept: kept,
    attribute(key) {
      if (HARMLESS_ATTRIBUTES.has(key) || kept(key)) return own.has(normalise(key));
      const parts = key.split(/[./:]/);
      return isTelling(parts.at(-1)!) || (parts.length > 1 && isTelling(parts.slice(-2).join('.')));
    },
  };
}

/** `*` stands for any characters; letters of either case. */
export function createGlobs(globs: readonly string[]): (name: string) => boolean {
  if (globs.length === 0) return () => false;
  const patterns = globs.map((glob) => new RegExp(`^${glob.split(/\*+/).map(escape).join('.*')}$`, 'is'));
  return (name) => patterns.some((pattern) => pattern.test(name));
}

function escape(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
}

function isBuiltIn(plain: string): boolean {
  const rest = plain.replace(NO_PASSWORD, '');
  if (EXACT.has(plain) || PARTS.some((part) => rest.includes(part))) return true;
  let stem = plain.slice(-LONGEST_ENDING);
  for (let times = 0; times < 4; times++) {
    if (ALL_ENDINGS.some((ending) => stem.endsWith(ending))) return true;
    const shorter = stem.replace(TRAILER, '');
    if (shorter === stem) return false;
    stem = shorter;
  }
  return false;
}

function normalise(name: string): string {
  const lower = decodeAscii(name).toLowerCase();
  return lower.replace(/[^\p{L}\p{N}]+/gu, '') || lower;
}

/** What is no valid percent-encoding, or no ASCII, stays as it stands. */
export function decodeAscii(text: string): string {
  return text.replace(/%([0-7][0-9a-f])/gi, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
}
