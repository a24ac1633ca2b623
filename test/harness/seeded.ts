/** Chance that can be had again: mulberry32. */
export function generator(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const words = ['{', '}', '[', ']', '"', ',', ':', '\n', '\0', '-1', '1e999', 'null', 'true', '"__proto__":', '"constructor":', '{"__proto__":{"version":1}}', '[[[[[[[[', '../../', '\\u0000', '\x1b]0;x\x07', '\ud800'];

/** Text as a torn write, a bad disk or a stranger leaves it. */
export function damageText(text: string, random: () => number): string {
  const pick = (below: number): number => Math.floor(random() * below);
  for (let times = pick(6); times > 0; times--) {
    const at = pick(text.length + 1);
    const kind = pick(5);
    if (kind === 0) text = text.slice(0, at);
    else if (kind === 1) text = text.slice(0, at) + words[pick(words.length)] + text.slice(at);
    else if (kind === 2) text = text.slice(0, at) + text.slice(at + pick(12));
    else if (kind === 3) text = text.slice(0, at) + String.fromCharCode(pick(256)) + text.slice(at + 1);
    else text = text.replace(/"[a-z]+":(?:"[^"]*"|[\d.]+|null)/i, (field) => (pick(2) === 0 ? field.replace(/:.*/s, `:${['{}', '[]', '-5', '1.5', '"x"', 'null', '9007199254740993'][pick(7)]}`) : field));
  }
  return text;
}
