/**
 * Names whose values are credentials wherever they stand: URL query parameters, headers, command-line options,
 * `key=value` in text. Compared without case, `-`, `_` and `.`; a name that ends with one of the endings counts too.
 */
const EXACT = new Set([
  'key', 'code', 'sig', 'sid', 'auth', 'pwd', 'pass', 'otp', 'pin', 'state', 'nonce', 'cookie', 'setcookie',
  'awsaccesskeyid', 'xamzcredential', 'googleaccessid', 'session', 'sessionid', 'phpsessid', 'jsessionid', 'assertion',
]);
const ENDINGS = [
  'token', 'secret', 'password', 'passwd', 'passphrase', 'apikey', 'accesskey', 'secretkey', 'privatekey', 'signature',
  'authorization', 'credential', 'credentials', 'jwt', 'sessionid', 'authkey', 'accesskeyid', 'secretaccesskey',
];

/** A predicate on names, with the user's own names added to the built-in list. Remembers its answers, in bounds. */
export function createSecretNames(extra: readonly string[]): (name: string) => boolean {
  const own = new Set(extra.map(normalise));
  const known = new Map<string, boolean>();
  return (name) => {
    const answer = known.get(name);
    if (answer !== undefined) return answer;
    const plain = normalise(name);
    const secret = EXACT.has(plain) || own.has(plain) || ENDINGS.some((ending) => plain.endsWith(ending));
    if (known.size < 1000) known.set(name, secret);
    return secret;
  };
}

function normalise(name: string): string {
  let decoded = name;
  if (name.includes('%')) {
    try {
      decoded = decodeURIComponent(name);
    } catch {
      // A name that is no valid percent-encoding is compared as it stands.
    }
  }
  return decoded.toLowerCase().replace(/[-_.[\]\s]/g, '');
}
