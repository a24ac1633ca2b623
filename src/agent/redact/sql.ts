/** A longer statement is cut: its tail is rarely read, and scanning it costs the request. */
const MAX_STATEMENT = 16 * 1024;

/**
 * Replaces the literals of a statement by `?`, drops its comments and folds lists of values
 * (`IN (?, ?, ?)` to `IN (?)`). Placeholders (`$1`, `?`, `:name`, `@p1`) and identifiers stay.
 * Double quotes delimit identifiers (SQL standard) unless `quotesAreStrings` (MySQL's default mode).
 * An unterminated literal hides the rest of the statement.
 */
export function redactSql(statement: string, quotesAreStrings = false): string {
  const sql = statement.length > MAX_STATEMENT ? statement.slice(0, MAX_STATEMENT) : statement;
  let out = '';
  let copied = 0;
  let at = 0;
  const replace = (end: number, by: string): void => {
    out += sql.slice(copied, at) + by;
    copied = at = end;
  };
  while (at < sql.length) {
    const c = sql.charCodeAt(at);
    if (c === 0x27 /* ' */ || (quotesAreStrings && c === 0x22)) {
      const prefix = literalPrefix(sql, at, copied);
      const end = closingQuote(sql, at, c, quotesAreStrings || prefix === 'e');
      if (prefix !== '') at--;
      replace(end, '?');
    } else if (c === 0x22 /* " */ || c === 0x60 /* ` */) {
      at = closingQuote(sql, at, c, false);
    } else if (c === 0x5b /* [ */ && /^\[[A-Za-z_][^\]'"]*\]/.test(sql.slice(at, at + 130))) {
      at = sql.indexOf(']', at) + 1; // SQL Server's quoted identifier
    } else if (c === 0x2d /* - */ && sql.charCodeAt(at + 1) === 0x2d) {
      const end = sql.indexOf('\n', at);
      replace(end < 0 ? sql.length : end, '');
    } else if (c === 0x23 /* # */ && quotesAreStrings) {
      const end = sql.indexOf('\n', at);
      replace(end < 0 ? sql.length : end, '');
    } else if (c === 0x2f /* / */ && sql.charCodeAt(at + 1) === 0x2a) {
      replace(blockCommentEnd(sql, at), '');
    } else if (c === 0x24 /* $ */) {
      const tag = /^\$(?:[A-Za-z_]\w*)?\$/.exec(sql.slice(at, at + 66))?.[0];
      if (tag !== undefined) {
        const end = sql.indexOf(tag, at + tag.length);
        replace(end < 0 ? sql.length : end + tag.length, '?');
      } else {
        at = wordEnd(sql, at + 1);
      }
    } else if (isDigit(c) || (c === 0x2e && isDigit(sql.charCodeAt(at + 1)))) {
      replace(numberEnd(sql, at), '?');
    } else if (isWord(c) || c === 0x3a /* : */ || c === 0x40 /* @ */) {
      const next = sql.charCodeAt(at + 1);
      // The letter of N'…', E'…', B'…', X'…' belongs to the literal.
      if (next === 0x27 && /[nebxu]/i.test(sql[at]!)) at++;
      else at = wordEnd(sql, at + 1);
    } else {
      at++;
    }
  }
  out += sql.slice(copied);
  if (SETS_PASSWORD.test(out)) out = out.replace(BARE_PASSWORD, '$1?');
  return out
    .replace(/\(\s*\?(?:\s*,\s*\?)+\s*\)/g, '(?)')
    .replace(/\(\?\)(?:\s*,\s*\(\?\))+/g, '(?)')
    .trim();
}

/** Oracle takes a password without quotes, or in those of an identifier. */
const SETS_PASSWORD = /^\s*(?:set|alter|create|grant)\s/i;
const BARE_PASSWORD = /\b(identified\s+by\s+(?:values\s+)?|set\s+password\b[^;=]{0,200}=\s*)(?![?$:@]|password\b|random\b)(?:"[^"]*"|[^\s;,()"]+)/gi;

function literalPrefix(sql: string, quote: number, copied: number): string {
  if (quote - 1 < copied) return '';
  const before = sql[quote - 1]!.toLowerCase();
  if (!/[nebxu]/.test(before)) return '';
  return quote >= 2 && isWord(sql.charCodeAt(quote - 2)) ? '' : before;
}

function closingQuote(sql: string, open: number, quote: number, backslashEscapes: boolean): number {
  for (let at = open + 1; at < sql.length; at++) {
    const c = sql.charCodeAt(at);
    if (c === 0x5c && backslashEscapes) at++;
    else if (c === quote) {
      if (sql.charCodeAt(at + 1) === quote) at++;
      else return at + 1;
    }
  }
  return sql.length;
}

/** PostgreSQL's comments nest. */
function blockCommentEnd(sql: string, open: number): number {
  let depth = 0;
  for (let at = open; at < sql.length; at++) {
    const pair = sql.slice(at, at + 2);
    if (pair === '/*') depth++, at++;
    else if (pair === '*/') {
      at++;
      if (--depth === 0) return at + 1;
    }
  }
  return sql.length;
}

function numberEnd(sql: string, from: number): number {
  const number = /^(?:0[xX][0-9a-fA-F]+|0[bB][01]+|(?:\d[\d_]*)?\.?\d*(?:[eE][+-]?\d+)?)/.exec(sql.slice(from, from + 400))!;
  return from + Math.max(1, number[0].length);
}

function wordEnd(sql: string, from: number): number {
  let at = from;
  while (at < sql.length && (isWord(sql.charCodeAt(at)) || isDigit(sql.charCodeAt(at)) || sql.charCodeAt(at) === 0x24)) at++;
  return at;
}

const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;
const isWord = (c: number): boolean => (c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a) || c === 0x5f || c > 0x7f;
