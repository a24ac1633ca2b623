export interface Pair {
  readonly key: string;
  readonly value: string;
  /** The value was no valid percent-encoding and is taken as it stands. */
  readonly raw: boolean;
}

/**
 * `key=value,key=value` in the syntax of W3C Baggage without properties, values percent-decoded.
 * Only the first `=` of a member separates. `wrong` holds what is no pair, as it stands (it may be a secret).
 */
export function parsePairs(text: string): { readonly pairs: readonly Pair[]; readonly wrong: readonly string[] } {
  const pairs: Pair[] = [];
  const wrong: string[] = [];
  for (const member of text.split(',')) {
    if (member.trim() === '') continue;
    const pair = splitPair(member);
    if (pair === null) {
      wrong.push(member.trim());
      continue;
    }
    const value = decode(pair.value);
    pairs.push({ key: decode(pair.key) ?? pair.key, value: value ?? pair.value, raw: value === null });
  }
  return { pairs, wrong };
}

/** `key=value`, both trimmed, or null where there is no `=` or nothing before it. */
export function splitPair(text: string): { readonly key: string; readonly value: string } | null {
  const at = text.indexOf('=');
  const key = text.slice(0, at).trim();
  return at < 0 || key === '' ? null : { key, value: text.slice(at + 1).trim() };
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
