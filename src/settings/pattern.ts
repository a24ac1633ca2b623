/**
 * What is wrong with a regular expression that will be tried on every value of every span, or null. Besides its syntax: what
 * lets its time grow faster than with the square of the length. The application would wait for it.
 */
export function findPatternFault(source: string): string | null {
  if (source.length > LONGEST) return `is longer than ${LONGEST} characters`;
  try {
    const pattern = new RegExp(source);
    return findExplosion(source) ?? (pattern.test('') ? 'fits nothing at all, so it would fit everywhere' : null);
  } catch (error) {
    return `is no regular expression: ${(error as Error).message.replace(/^.*: /, '')}`;
  }
}

const LONGEST = 1000;
/** Ways in which all optional and short repetitions together may come out. */
const MOST_WAYS = 10_000;
/** A repetition of no more is short. */
const FEW = 10;

const NESTED = 'may take very long: a repetition, or alternatives that may begin alike, within a repetition';
const ADJACENT = 'may take very long: two repetitions without a character between them that the first cannot take';
const OPTIONAL = 'may take very long: too many optional parts';

interface Group {
  /** Something in it may take more or fewer characters. */
  varies: boolean;
  /** First characters of its alternatives; null for what is more than one character. */
  readonly begins: (string | null)[];
  atStart: boolean;
}

/** What the next quantifier would repeat; `token` where it is one character or a class. */
interface Atom {
  readonly token: string | null;
  readonly varies: boolean;
  readonly isAmbiguous: boolean;
}

function findExplosion(source: string): string | null {
  const groups: Group[] = [newGroup()];
  let ways = 1;
  let atom: Atom = { token: '', varies: false, isAmbiguous: false };
  /** The repetition that could still take what comes; its characters, or null for whatever. */
  let running: { readonly token: string | null } | null = null;
  for (let at = 0; at < source.length; ) {
    const group = groups.at(-1)!;
    const token = readToken(source, at);
    at += token.length;
    const range = readRange(token);
    if (range !== null) {
      const isLong = range.most > FEW;
      if (range.most > 1 && (isLong ? atom.varies || atom.isAmbiguous : atom.isAmbiguous)) return NESTED;
      if (isLong && range.least !== range.most) {
        if (running !== null && (running.token === null || atom.token === null || overlap(running.token, atom.token))) return ADJACENT;
        running = { token: atom.token };
      } else ways *= (range.most - range.least + 1) * (atom.varies ? range.most : 1);
      if (ways > MOST_WAYS) return OPTIONAL;
      group.varies ||= range.least !== range.most;
      atom = { token: null, varies: true, isAmbiguous: false };
    } else if (token.startsWith('(')) {
      if (group.atStart) group.begins.push(null);
      group.atStart = false;
      groups.push(newGroup());
    } else if (token === ')') {
      groups.pop();
      groups.at(-1)!.varies ||= group.varies || group.begins.length > 1;
      atom = { token: null, varies: group.varies, isAmbiguous: group.begins.length > 1 && !areDistinct(group.begins) };
    } else if (token === '|') {
      group.atStart = true;
    } else if (!isAssertion(token)) {
      const isOptional = (readRange(readToken(`${source.slice(at)} `, 0))?.least ?? 1) === 0;
      if (running !== null && !isOptional && groups.length === 1 && running.token !== null && !overlap(running.token, token)) running = null;
      if (group.atStart) group.begins.push(/^[\w\-@:/ ,;=]$/.test(token) || /^\\[^a-zA-Z0-9]$/.test(token) ? token : null);
      group.atStart = false;
      atom = { token, varies: false, isAmbiguous: false };
    }
  }
  return null;
}

function newGroup(): Group {
  return { varies: false, begins: [], atStart: true };
}

/** An escape, a class, the beginning of a group, a quantifier, or one character. */
function readToken(source: string, at: number): string {
  const pattern = /\\(?:u\{?[0-9a-fA-F]+\}?|x[0-9a-fA-F]{2}|[pP]\{[^}]*\}|k<[^>]*>|[\s\S])|\[(?:\\[\s\S]|[^\]\\])*\]|\((?:\?(?:[:=!]|<[=!]|<[^>]*>))?|(?:[*+?]|\{\d+(?:,\d*)?\})\??|[\s\S]/y;
  pattern.lastIndex = at;
  return pattern.exec(source)![0];
}

function readRange(token: string): { readonly least: number; readonly most: number } | null {
  if (/^[*+?]/.test(token)) return { least: token[0] === '+' ? 1 : 0, most: token[0] === '?' ? 1 : Infinity };
  const [, least, comma, most] = /^\{(\d+)(,?)(\d*)\}/.exec(token) ?? [];
  if (least === undefined) return null;
  return { least: Number(least), most: comma === '' ? Number(least) : most === '' ? Infinity : Number(most) };
}

function isAssertion(token: string): boolean {
  return token === '^' || token === '$' || /^\\[bB]$/.test(token);
}

/** Whether one character can be taken by both. What is no class of characters can be any. */
function overlap(a: string, b: string): boolean {
  if (/^\\(?:\d|k)/.test(a) || /^\\(?:\d|k)/.test(b)) return true;
  const [one, other] = [new RegExp(`^(?:${a})$`, 's'), new RegExp(`^(?:${b})$`, 's')];
  for (const sample of SAMPLES) if (one.test(sample) && other.test(sample)) return true;
  return false;
}

const SAMPLES = [...Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)), '\u0416', '\u4e2d', '\u2028'];

function areDistinct(begins: readonly (string | null)[]): boolean {
  return !begins.includes(null) && new Set(begins).size === begins.length;
}
