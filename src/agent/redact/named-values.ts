/**
 * `name=value`, `"name": "value"`, `name: [list]` in text. Separators are looked for and names read backwards from them, so
 * that whatever the text is, each of its characters is looked at a bounded number of times.
 */
import { decodeAscii, type SecretNames } from './names.ts';
import { REDACTED } from './redacted.ts';

const SEPARATOR = /(?:=>|[=:])\s*/g;
/** What tells a secret stands at the end of a name. */
const LONGEST_NAME = 128;
const MOST_CLOSERS = 24;
/** Values with spaces in them, to the end of the line where no quotes bound them. */
const WHOLE_LINE = /(?:authorization|cookie)$/i;

/** Of a command line, or of a list of its words. */
const OPTION = /(?<![\w-])(--?)([A-Za-z][\w.-]{1,127})(?:\s+|["'],\s*)/g;
/** What was hidden before, by a rule that knows where it ends. */
const HIDDEN = new RegExp(`${REDACTED}(?=[&?#;/\\s]|$)`, 'y');

/** Looks at every name, also at one that stands where the value of another would (`failed: password=…`). */
export function redactNamed(text: string, names: SecretNames): string {
  const valueEnd = createValueEnd(text);
  return redactValues(text, SEPARATOR, (match, copied) => {
    const found = nameBefore(text, match.index, copied);
    if (found === null || !names.word(found.name)) return null;
    const from = SEPARATOR.lastIndex;
    HIDDEN.lastIndex = from;
    if (text.startsWith('//', from) || HIDDEN.test(text)) return null;
    // JSON stays JSON.
    return { end: valueEnd(from, WHOLE_LINE.test(found.name)), quote: match[0][0] === ':' ? found.quote : '' };
  });
}

/** `--token value`, `-token value`, `["--token", "value"]`. */
export function redactOptions(text: string, names: SecretNames): string {
  const valueEnd = createValueEnd(text);
  return redactValues(text, OPTION, ([, dashes, name]) => {
    // A single dash is also one of prose.
    if (!(dashes === '--' ? names.parameter(name!) : names.word(name!))) return null;
    const from = OPTION.lastIndex;
    return text[from] === '-' ? null : { end: valueEnd(from, false), quote: '' };
  });
}

interface Value {
  readonly end: number;
  /** To be put around what stands in its place, where the value has none of its own. */
  readonly quote: string;
}

/** `find` says where the value ends that begins behind a match of the pattern. */
function redactValues(text: string, pattern: RegExp, find: (match: RegExpExecArray, copied: number) => Value | null): string {
  let result = '';
  let copied = 0;
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const from = pattern.lastIndex;
    const value = find(match, copied);
    if (value === null || value.end === from) continue;
    const quote = openingQuote(text, from) || value.quote;
    result += `${text.slice(copied, from)}${quote}${REDACTED}${quote}`;
    copied = pattern.lastIndex = value.end;
  }
  return copied === 0 ? text : result + text.slice(copied);
}

/** The name that ends before a separator, and the quote after it: `"password\"`, `user[password]`, `token[]`, `user%5Bpassword%5D`. */
function nameBefore(text: string, separator: number, from: number): { name: string; quote: string } | null {
  let end = separator;
  while (end > from && isSpace(text.charCodeAt(end - 1))) end--;
  const lowest = Math.max(from, end - MOST_CLOSERS);
  let quote = '';
  while (end > lowest) {
    const c = text.charCodeAt(end - 1);
    if (c === 0x5d /* ] */) end = bracketStart(text, end - 1, lowest);
    else if (isQuote(c)) {
      const quoteEnd = end--;
      while (end > lowest && text[end - 1] === '\\') end--;
      quote ||= text.slice(end, quoteEnd);
    } else break;
  }
  const first = Math.max(from, end - LONGEST_NAME);
  let start = end;
  let hasLetter = false;
  let isEncoded = false;
  while (start > first) {
    const c = text.charCodeAt(start - 1);
    if (isLetter(c)) hasLetter = true;
    else if (c === 0x25 /* % */) isEncoded = true;
    else if (!isDigit(c) && c !== 0x5f /* _ */ && c !== 0x2e /* . */ && c !== 0x2d /* - */) break;
    start--;
  }
  if (!hasLetter) return null;
  while (text[start] === '-' || text[start] === '.') start++;
  const name = text.slice(start, end);
  return { name: isEncoded ? innermost(name) : name, quote };
}

/** Of `[]` and `[7]`; of another only what closes it is passed over. */
function bracketStart(text: string, closing: number, lowest: number): number {
  let at = closing;
  while (at > lowest && isDigit(text.charCodeAt(at - 1))) at--;
  return at > lowest && text[at - 1] === '[' ? at - 1 : closing;
}

function innermost(name: string): string {
  return /([^[\]"']*)[[\]"'\d]*$/.exec(decodeAscii(name).slice(-LONGEST_NAME).replace(/[[\]"']+$/, ''))![1]!;
}

/** Where the value ends that begins at a place: the same place where there is none. */
function createValueEnd(text: string): (from: number, isWholeLine: boolean) => number {
  // Looked for once: a text may open brackets by the thousand.
  let isUnclosed = false;
  return (from, isWholeLine) => {
    const quote = openingQuote(text, from);
    if (quote !== '') return quotedEnd(text, from, quote);
    const c = text[from];
    if (c !== '[' && c !== '{') return isWholeLine ? lineEnd(text, from) : wordEnd(text, from);
    const end = isUnclosed ? null : closingBracket(text, from);
    isUnclosed ||= end === null;
    return end ?? restEnd(text, from);
  };
}

/** SQL's quotes within quotes (`'it''s'`) and a shell's (`'a'b`) go on. */
function quotedEnd(text: string, from: number, quote: string): number {
  let end: number | null = closingQuote(text, from + quote.length, quote);
  while (end !== null && quote.length === 1 && (text[end] === quote || isWord(text.charCodeAt(end)))) {
    end = text[end] === quote ? closingQuote(text, end + 1, quote) : wordEnd(text, end);
  }
  return end ?? restEnd(text, from);
}

/** A quote with what escapes it: `"`, `'`, `` ` ``, `\"`, `\\\"`. */
function openingQuote(text: string, from: number): string {
  let at = from;
  while (text[at] === '\\' && at - from < 16) at++;
  return isQuote(text.charCodeAt(at)) ? text.slice(from, at + 1) : '';
}

function closingQuote(text: string, from: number, quote: string): number | null {
  for (let at = text.indexOf(quote, from); at >= 0; at = text.indexOf(quote, at + quote.length)) {
    if (countBackslashes(text, at) > 0 && (quote.length > 1 || countBackslashes(text, at) % 2 === 1)) continue;
    return at + quote.length;
  }
  return null;
}

function countBackslashes(text: string, end: number): number {
  let count = 0;
  while (count < 64 && text[end - 1 - count] === '\\') count++;
  return count;
}

/** Of an object or list, whatever stands in its strings. */
function closingBracket(text: string, from: number): number | null {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === 0x5b || c === 0x7b) depth++;
    else if (c === 0x5d || c === 0x7d) {
      if (--depth === 0) return at + 1;
    } else if (c === 0x22 || c === 0x5c) {
      const quote = openingQuote(text, at);
      if (quote === '') continue;
      const end = closingQuote(text, at + quote.length, quote);
      if (end === null) return null;
      at = end - 1;
    }
  }
  return null;
}

/** Of what never ends: all, up to the stack below the message, if there is one. */
function restEnd(text: string, from: number): number {
  const stack = text.indexOf('\n    at ', from);
  return stack < 0 ? text.length : stack;
}

/** A header: quotes around its parts belong to it (`Digest username="…"`), the one around the whole ends it. */
function lineEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === 0x0a || c === 0x0d) return at;
    if (c !== 0x22 && c !== 0x27 && c !== 0x5c) continue;
    const quote = openingQuote(text, at);
    if (quote === '') continue;
    if (!/[=\s,(]/.test(text[at - 1] ?? '')) return at;
    const end = closingQuote(text, at + quote.length, quote);
    if (end === null) return restEnd(text, from);
    at = end - 1;
  }
  return text.length;
}

/** A separator in the middle of a value belongs to it, unless what follows looks like the next name. */
function wordEnd(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (isSpace(c)) break;
    const isSeparator = c === 0x2c /* , */ || c === 0x3b /* ; */ || c === 0x26; /* & */
    if (isSeparator || isQuote(c) || c === 0x7d /* } */ || c === 0x5d /* ] */ || c === 0x29 /* ) */) {
      if (at === from || !isWord(text.charCodeAt(at + 1)) || (isSeparator && isNextName(text, at + 1))) break;
    } else if (c === 0x5c /* \ */ && openingQuote(text, at) !== '') break;
  }
  return at;
}

function isNextName(text: string, from: number): boolean {
  NEXT_NAME.lastIndex = from;
  return NEXT_NAME.test(text);
}

const NEXT_NAME = /[\w .[\]%-]{1,64}[=:]/y;

const isSpace = (c: number): boolean => c === 0x20 || (c >= 0x09 && c <= 0x0d) || c === 0xa0 || c === 0x2028 || c === 0x2029;
const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;
/** Beyond ASCII all but general punctuation: the user's own names are in the user's own language. */
const isLetter = (c: number): boolean => (c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a) || (c >= 0xc0 && (c < 0x2000 || c > 0x206f));
const isWord = (c: number): boolean => isLetter(c) || isDigit(c);
const isQuote = (c: number): boolean => c === 0x22 || c === 0x27 || c === 0x60;
